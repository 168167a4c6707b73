"""A domain's life as a client of python-libvirt sees it: what each call answers, and which events it raises.

usage: life.py URI VNC_PORT     prints the same lines for every daemon that behaves as libvirt 9.0 does

The guests have a firmware and nothing else: what a guest's kernel would do to its hardware (power off, reset, panic, starve the
watchdog, set the clock, sleep) is done by writing the same I/O ports through QEMU's human monitor.
"""
import glob
import os
import signal
import socket
import sys
import threading
import time
import libvirt
import libvirt_qemu

URI, VNC_PORT = sys.argv[1], int(sys.argv[2])
LIMIT = 20
KINDS = {value: name[len("VIR_DOMAIN_EVENT_ID_"):].lower().replace("_", "-")
         for name, value in vars(libvirt).items() if name.startswith("VIR_DOMAIN_EVENT_ID_") and name != "VIR_DOMAIN_EVENT_ID_LAST"}

heard, changed = [], threading.Condition()
printed = 0


def hear(line):
    with changed:
        heard.append(line)
        changed.notify_all()


def listen(connection):
    """One callback for each kind of event, for all domains; the oldest registration; and one for a single domain."""
    def on(kind):
        def callback(_, domain, *details):
            details = details[:-1]  # our own opaque value
            if kind == "graphics":
                details = [str(details[0])] + [f"{a.get('family')} {a.get('node')}" for a in details[1:3]] + [str(d) for d in details[3:]]
            if kind == "rtc-change":
                details = [f"{details[0] / 3600:.0f} hours"]
            if kind == "job-completed":
                details = [sorted(details[0])]
            hear(f"{kind} {domain.name()} {' '.join(map(str, details))}".rstrip() + (f" (id {domain.ID()})" if kind == "lifecycle" else ""))
        return callback
    ids = [connection.domainEventRegisterAny(None, kind, on(name), None) for kind, name in sorted(KINDS.items())]
    connection.domainEventRegister(lambda _, domain, event, detail, opaque: hear(f"oldest-style {domain.name()} {event} {detail}"), None)
    libvirt_qemu.qemuMonitorEventRegister(
        connection, None, "^POWER", lambda _, domain, event, *rest: hear(f"monitor {domain.name()} {event}"), None,
        libvirt_qemu.VIR_CONNECT_DOMAIN_QEMU_MONITOR_EVENT_REGISTER_REGEX)
    return ids


def wait(until, what):
    with changed:
        if not changed.wait_for(lambda: until(heard), LIMIT):
            print(f"  nothing heard of: {what}")


fences = 0


def fence():
    """An event that comes after all that were raised before it."""
    global fences
    fences += 1
    mark = f"fence:{fences}"
    lookout.setMetadata(libvirt.VIR_DOMAIN_METADATA_ELEMENT, "<x/>", "x", mark, libvirt.VIR_DOMAIN_AFFECT_CONFIG)
    wait(lambda lines: any(mark in line for line in lines), mark)


def is_told(line, lines, expected):
    """Not what is accidental with stock libvirt as well: how often the firmware resets the machine again while it comes up, and what a
    QEMU that is being killed still gets through its monitor (its SHUTDOWN, or the broken connection as a control-error)."""
    words = line.split()
    killed = [f"lifecycle {words[1]} 5 {why}" for why in (1, 2)]
    if words[0] == "reboot" and not any(one.startswith("reboot") for one in expected):
        return False
    return not (words[1] == "lookout" or words[0] == "control-error"
                or (words[2:4] == ["6", "2"] and any(one.startswith(end) for one in lines for end in killed)))


def last(what, call, *expected):
    """A step by which QEMU ends: whether its monitor still answers is an accident, and not shown."""
    step(what, call, *expected, answered=False)


def step(what, call, *expected, answered=True):
    """Calls, waits for the events that come of themselves, and prints all that were heard."""
    global printed
    begin = printed
    try:
        result = call()
        answer = result if isinstance(result, (int, str, list, tuple, dict)) else "done"
    except libvirt.libvirtError as error:
        answer = f"code {error.get_error_code()} domain {error.get_error_domain()}: {error.get_error_message()}"
    for line in expected:
        wait(lambda lines: any(heard_line.startswith(line) for heard_line in lines[begin:]), line)
    fence()
    print(f"{what}: {answer}" if answered else what)
    with changed:
        lines, printed = heard[printed:], len(heard)
    told = [line for line in lines if is_told(line, lines, expected)]
    told = [line for at, line in enumerate(told) if not line.startswith("reboot") or line not in told[:at]]
    # The registration styles are separate messages; which of them comes first says nothing about the guest.
    for style in ("", "oldest-style", "monitor"):
        for line in told:
            if line.startswith(style) if style else not line.startswith(("oldest-style", "monitor")):
                print(f"  {line}")


def xml(name, actions="", devices="", machine="pc", features="", clock="<clock offset='utc'/>"):
    return f"""
<domain type='qemu'>
  <name>{name}</name>
  <uuid>{uuids[name]}</uuid>
  <memory unit='MiB'>16</memory>
  <os><type arch='x86_64' machine='{machine}'>hvm</type></os>
  <features><acpi/>{features}</features>
  {clock}
  {actions}
  <devices><emulator>/usr/bin/qemu-system-x86_64</emulator><memballoon model='none'/>{devices}</devices>
</domain>"""


def create(connection, definition):
    """Stock libvirt tells of a transient domain's end a moment before it lets go of it, and refuses its successor until then."""
    limit = time.monotonic() + LIMIT
    while True:
        try:
            return connection.createXML(definition)
        except libvirt.libvirtError as error:
            if "already being removed" not in error.get_error_message() or time.monotonic() > limit:
                raise


class Uuids(dict):
    def __missing__(self, name):
        return self.setdefault(name, f"20000000-0000-4000-8000-{len(self):012}")


uuids = Uuids()
PANIC = "<panic model='isa'/>"


def port(domain, address, value, width="b"):
    """What the guest's processor would do with OUT; the size is b, h or w, as in gdb."""
    return libvirt_qemu.qemuMonitorCommand(domain, f"o /1{width} {address:#x} {value:#x}", libvirt_qemu.VIR_DOMAIN_QEMU_MONITOR_COMMAND_HMP)


def qmp(domain, command):
    return libvirt_qemu.qemuMonitorCommand(domain, command, 0)


def state(domain):
    return lambda: domain.state()


def power_off(domain):
    """As ACPI does: sleep state 5 into the power management block, which SeaBIOS puts at 0x600."""
    return port(domain, 0x604, 0x2000, "h")


def booted(domain):
    """SeaBIOS has set up ACPI's ports: the power management block is enabled."""
    for _ in range(1000):
        text = libvirt_qemu.qemuMonitorCommand(domain, "info mtree -f", libvirt_qemu.VIR_DOMAIN_QEMU_MONITOR_COMMAND_HMP)
        if "acpi-cnt" in text and "0000000000000604-0000000000000605" in text:
            return domain
        time.sleep(0.05)
    raise RuntimeError("SeaBIOS does not come up")


def show(domain):
    root = domain.XMLDesc(0)
    return [line.strip() for line in root.splitlines() if "<on_" in line]


def life(connection):
    step("define", lambda: connection.defineXML(xml("walker")))
    step("define again", lambda: connection.defineXML(xml("walker", devices=PANIC)))
    walker = connection.lookupByName("walker")
    step("shutdown of one that is off", walker.shutdown)
    step("reboot of one that is off", lambda: walker.reboot(0))
    step("reset of one that is off", lambda: walker.reset(0))
    step("destroy of one that is off", walker.destroy)
    step("start paused", lambda: walker.createWithFlags(libvirt.VIR_DOMAIN_START_PAUSED))
    step("state", state(walker))
    step("shutdown of a paused one", walker.shutdown)
    step("reset of a paused one", lambda: walker.reset(0))
    step("resume", walker.resume)
    step("resume again", walker.resume)
    step("suspend", walker.suspend)
    step("suspend again", walker.suspend)
    step("state", state(walker))
    step("resume", walker.resume)
    step("title", lambda: walker.setMetadata(libvirt.VIR_DOMAIN_METADATA_TITLE, "a title", None, None, 0))
    booted(walker)  # a reset in the midst of SeaBIOS's start may leave it lost
    step("reset", lambda: walker.reset(0))
    booted(walker)
    step("the guest resets itself", lambda: port(walker, 0xcf9, 6), "reboot walker")
    booted(walker)
    step("shutdown", walker.shutdown)
    last("it powers off", lambda: power_off(walker), "lifecycle walker 5")
    step("state", state(walker))
    step("undefine", walker.undefine)


def definitions(connection):
    step("create transient", lambda: connection.createXML(xml("guest")))
    guest = connection.lookupByName("guest")
    step("undefine transient", guest.undefine)
    step("autostart transient", lambda: guest.setAutostart(1))
    step("define over the transient", lambda: connection.defineXML(xml("guest", actions="<on_crash>preserve</on_crash>")))
    step("persistent", lambda: (guest.isPersistent(), guest.isActive()))
    step("autostart", lambda: (guest.setAutostart(1), guest.autostart()))
    step("undefine the running", guest.undefine)
    step("persistent", lambda: (guest.isPersistent(), guest.isActive()))
    step("destroy", guest.destroy)
    step("lookup", lambda: connection.lookupByName("guest"))
    step("define", lambda: connection.defineXML(xml("guest")))
    guest = connection.lookupByName("guest")
    step("start autodestroy", lambda: guest.createWithFlags(libvirt.VIR_DOMAIN_START_AUTODESTROY))
    step("destroy gracefully", lambda: guest.destroyFlags(libvirt.VIR_DOMAIN_DESTROY_GRACEFUL))
    step("undefine", guest.undefine)


def reboots(connection):
    step("create", lambda: create(connection, xml("spinner")))
    spinner = booted(connection.lookupByName("spinner"))
    step("reboot", lambda: spinner.reboot(0))
    step("suspend while it has not answered", spinner.suspend)
    step("resume", spinner.resume)
    step("it powers off, and comes back", lambda: power_off(spinner), "reboot spinner")
    step("state", state(spinner))
    booted(spinner)
    last("it powers off, and stays", lambda: power_off(spinner), "lifecycle spinner 5")

    step("create, on_poweroff restart", lambda: create(connection, xml("spinner", "<on_poweroff>restart</on_poweroff>")))
    spinner = booted(connection.lookupByName("spinner"))
    step("it powers off, and comes back", lambda: power_off(spinner), "reboot spinner")
    step("state", state(spinner))
    step("destroy", spinner.destroy)

    step("create, on_reboot destroy", lambda: create(connection, xml("spinner", "<on_reboot>destroy</on_reboot>")))
    spinner = booted(connection.lookupByName("spinner"))
    last("it resets itself", lambda: port(spinner, 0xcf9, 6), "lifecycle spinner 5")
    step("create, on_reboot destroy", lambda: create(connection, xml("spinner", "<on_reboot>destroy</on_reboot>")))
    spinner = booted(connection.lookupByName("spinner"))
    step("reboot", lambda: spinner.reboot(0))
    last("it powers off", lambda: power_off(spinner), "lifecycle spinner 5")


def crashes(connection):
    for action, event in [("destroy", "lifecycle crasher 5"), ("preserve", "lifecycle crasher 8"), ("restart", "reboot crasher"),
                          ("coredump-destroy", "lifecycle crasher 5"), ("coredump-restart", "reboot crasher")]:
        step(f"create, on_crash {action}", lambda: create(connection, xml("crasher", f"<on_crash>{action}</on_crash>", PANIC)))
        crasher = booted(connection.lookupByName("crasher"))
        step("it panics", lambda: port(crasher, 0x505, 1), "lifecycle crasher 8", event, *["lifecycle crasher 4"] * action.endswith("restart"))
        step("state", state(crasher))
        if action == "preserve":
            step("suspend", crasher.suspend)
            step("shutdown", crasher.shutdown)
            step("resume", crasher.resume)
            step("state", state(crasher))
            booted(crasher)
            step("it panics", lambda: port(crasher, 0x505, 1), "lifecycle crasher 8")
            step("reset", lambda: crasher.reset(0))
            step("state", state(crasher))
        if action != "destroy" and not action.endswith("-destroy"):
            step("destroy", crasher.destroy)
    step("create", lambda: create(connection, xml("crasher", "<on_crash>preserve</on_crash>", PANIC)))
    crasher = booted(connection.lookupByName("crasher"))
    step("a crash kernel is loaded", lambda: port(crasher, 0x505, 2), "lifecycle crasher 8")
    step("state", state(crasher))
    step("destroy", crasher.destroy)


def actions(connection):
    for text in ["<on_poweroff>rename-restart</on_poweroff>", "<on_reboot>preserve</on_reboot>", "<on_crash>rename-restart</on_crash>",
                 "<on_poweroff>coredump-destroy</on_poweroff>", "<on_poweroff>restart</on_poweroff><on_reboot>destroy</on_reboot>",
                 "<on_poweroff>dance</on_poweroff>"]:
        step(f"define {text}", lambda: connection.defineXML(xml("actor", text)))
    step("define", lambda: connection.defineXML(xml("actor", devices=PANIC)))
    actor = connection.lookupByName("actor")
    live, config = libvirt.VIR_DOMAIN_AFFECT_LIVE, libvirt.VIR_DOMAIN_AFFECT_CONFIG
    step("set live, off", lambda: actor.setLifecycleAction(0, 1, live))
    step("set, off", lambda: (actor.setLifecycleAction(2, 3, 0), show(actor)))
    step("start", actor.create)
    booted(actor)
    for kind, action, flags in [(0, 4, live), (1, 5, live), (0, 2, live), (1, 3, live), (0, 3, 0), (2, 2, config), (2, 0, live), (2, 5, live | config),
                                (1, 0, live), (0, 1, live), (1, 1, live), (0, 1, live), (3, 0, 0), (0, 6, 0), (0, 0, 8)]:
        step(f"set {kind} {action} {flags}", lambda: (actor.setLifecycleAction(kind, action, flags), show(actor)))
    step("set reboot to destroy", lambda: (actor.setLifecycleAction(0, 0, live), actor.setLifecycleAction(1, 0, live)))
    last("it resets itself", lambda: port(actor, 0xcf9, 6), "lifecycle actor 5")
    step("undefine", actor.undefine)


def devices(connection):
    dog = "<watchdog model='ib700' action='{}'/>"
    for action, event in [("pause", "lifecycle dog 3"), ("none", "watchdog dog"), ("reset", "reboot dog"), ("poweroff", "lifecycle dog 5"),
                          ("inject-nmi", "watchdog dog"), ("dump", "lifecycle dog 4")]:
        step(f"create, watchdog {action}", lambda: create(connection, xml("dog", devices=dog.format(action))))
        guest = booted(connection.lookupByName("dog"))
        (last if action == "poweroff" else step)("it starves the watchdog", lambda: port(guest, 0x443, 0xf), "watchdog dog", event)
        step("state", state(guest))
        if action != "poweroff":
            step("destroy", guest.destroy)

    step("create", lambda: create(connection, xml(
        "gadget", devices="<disk type='file' device='cdrom'><target dev='hda' bus='ide'/><readonly/></disk>"
        f"<graphics type='vnc' port='{VNC_PORT}' autoport='no'/>", clock="<clock offset='variable' adjustment='3600' basis='utc'/>")))
    gadget = booted(connection.lookupByName("gadget"))
    step("suspend", gadget.suspend)  # or the firmware, which looks for something to boot, would meddle
    step("its tray opens", lambda: qmp(gadget, '{"execute":"blockdev-open-tray","arguments":{"id":"ide0-0-0"}}')[:10], "tray-change gadget")
    step("its tray closes", lambda: qmp(gadget, '{"execute":"blockdev-close-tray","arguments":{"id":"ide0-0-0"}}')[:10], "tray-change gadget")
    step("it sets its clock", lambda: (port(gadget, 0x70, 0x0b), port(gadget, 0x71, 0x82), port(gadget, 0x70, 0x09), port(gadget, 0x71, 0x20),
                                       port(gadget, 0x70, 0x0b), port(gadget, 0x71, 0x02)) and None, "rtc-change gadget")
    step("resume", gadget.resume)
    viewer = socket.create_connection(("127.0.0.1", VNC_PORT))
    step("a viewer comes", lambda: None, "graphics gadget 0")
    viewer.recv(12)
    viewer.send(b"RFB 003.008\n")
    viewer.recv(2)
    viewer.send(b"\1")
    viewer.recv(4)
    viewer.send(b"\1")
    viewer.recv(4)
    step("it is let in", lambda: None, "graphics gadget 1")
    viewer.close()
    step("it goes", lambda: None, "graphics gadget 2")
    step("it sleeps", lambda: port(gadget, 0x604, 0x2400, "h"), "pmsuspend gadget")
    step("state", state(gadget))
    step("suspend", gadget.suspend)
    step("resume", gadget.resume)
    step("it wakes", lambda: qmp(gadget, '{"execute":"system_wakeup"}')[:10], "pmwakeup gadget")
    step("state", state(gadget))
    step("destroy", gadget.destroy)

    step("create", lambda: create(connection, xml("victim")))
    last("it is killed from outside", lambda: kill("victim"), "lifecycle victim 5")


def kill(name):
    for line in glob.glob("/proc/[0-9]*/cmdline"):
        with open(line, "rb") as file:
            if f"guest={name},".encode() in file.read():
                os.kill(int(line.split("/")[2]), signal.SIGKILL)


def registrations(connection, ids):
    walker = connection.defineXML(xml("walker"))
    fence()
    only = connection.domainEventRegisterAny(
        walker, libvirt.VIR_DOMAIN_EVENT_ID_LIFECYCLE, lambda _, domain, *details: hear(f"only {domain.name()} {details[:2]}"), None)
    other = connection.defineXML(xml("other"))
    step("start the one and the other", lambda: (walker.create(), other.create()), "only walker")
    connection.domainEventDeregisterAny(only)
    for callback in ids[1:]:
        if callback != ids[METADATA]:
            connection.domainEventDeregisterAny(callback)
    step("suspend without that", walker.suspend)
    step("deregister again", lambda: connection.domainEventDeregisterAny(only))
    step("destroy both", lambda: (walker.destroy(), other.destroy()))
    walker.undefine()
    other.undefine()


def bound(connection):
    """A domain that ends with the connection that started it."""
    fence()
    second = libvirt.open(URI)
    step("create autodestroy", lambda: second.createXML(xml("bound"), libvirt.VIR_DOMAIN_START_AUTODESTROY) and None)
    step("its connection closes", second.close, "lifecycle bound 5")
    step("lookup", lambda: connection.lookupByName("bound"))


def endings(connection):
    """Who hears that a domain is gone does not find it any more; and what runs is never a domain that nobody knows."""
    found, second = [], libvirt.open(URI)

    def on(_, domain, event, detail, opaque):
        if domain.name() == "brief" and event in (libvirt.VIR_DOMAIN_EVENT_STOPPED, libvirt.VIR_DOMAIN_EVENT_UNDEFINED):
            try:
                found.append(f"{event}: {second.lookupByUUIDString(domain.UUIDString()).state()}")
            except libvirt.libvirtError as error:
                found.append(f"{event}: code {error.get_error_code()}")
            hear("looked up brief")
    callback = second.domainEventRegisterAny(None, libvirt.VIR_DOMAIN_EVENT_ID_LIFECYCLE, on, None)
    for at in range(10):
        for nth, end in enumerate([lambda: connection.createXML(xml("brief")).destroy(),
                                   lambda: connection.createXML(xml("brief")) and kill("brief"),
                                   lambda: connection.defineXML(xml("brief")).undefine()]):
            end()
            wait(lambda lines: len(found) > at * 3 + nth, "its end, looked up")
    second.domainEventDeregisterAny(callback)
    print(f"looked up when it was told of: {sorted(set(found))}")

    lost = []
    for at in range(40):
        brief = connection.defineXML(xml("brief"))
        started, ready = [], threading.Barrier(2)

        def start():
            ready.wait()
            try:
                second.lookupByName("brief").create()
                started.append(True)
            except libvirt.libvirtError:
                pass
        starter = threading.Thread(target=start)
        starter.start()
        ready.wait()
        time.sleep(at * 0.0002)
        brief.undefine()
        starter.join()
        try:
            connection.lookupByName("brief").destroy()
            known = True
        except libvirt.libvirtError:
            known = False
        if bool(started) != known:
            lost.append(at)
    second.close()
    print(f"undefined while it was started, and lost: {lost}")


METADATA = sorted(KINDS).index(libvirt.VIR_DOMAIN_EVENT_ID_METADATA_CHANGE)

libvirt.registerErrorHandler(lambda *_: None, None)
libvirt.virEventRegisterDefaultImpl()


def loop():
    while True:
        libvirt.virEventRunDefaultImpl()


threading.Thread(target=loop, daemon=True).start()
connection = libvirt.open(URI)
lookout = connection.defineXML(xml("lookout"))
callbacks = listen(connection)
for part in sys.argv[3].split(",") if len(sys.argv) > 3 else ["life", "definitions", "reboots", "crashes", "actions", "devices", "bound", "endings", "registrations"]:
    print(f"== {part}")
    globals()[part](connection, *[callbacks] * (part == "registrations"))
