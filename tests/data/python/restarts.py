"""usage: restarts.py URI GUESTS...     suspends and resumes guests until its input ends, through every restart of the daemon

Each suspend and resume that was answered must have been heard as an event on the same connection. Ends with one line of figures.
"""
import sys
import threading
import time
import libvirt

URI, GUESTS = sys.argv[1], sys.argv[2:]
LIMIT = 20
libvirt.registerErrorHandler(lambda *_: None, None)
libvirt.virEventRegisterDefaultImpl()


def loop():
    while True:
        libvirt.virEventRunDefaultImpl()


threading.Thread(target=loop, daemon=True).start()
stopping = threading.Event()


def read():
    sys.stdin.read()
    stopping.set()


threading.Thread(target=read, daemon=True).start()
verbs = refused = connections = 0
lost = []


class Listener:
    """One connection and what it heard."""

    def __init__(self):
        self.changed = threading.Condition()
        self.heard = {}
        self.connection = libvirt.open(URI)
        self.connection.setKeepAlive(5, 3)
        self.connection.domainEventRegisterAny(None, libvirt.VIR_DOMAIN_EVENT_ID_LIFECYCLE, self.hear, None)

    def hear(self, _, domain, event, *__):
        with self.changed:
            self.heard[domain.name(), event] = self.heard.get((domain.name(), event), 0) + 1
            self.changed.notify_all()

    def has_heard(self, name, event, times):
        with self.changed:
            return self.changed.wait_for(lambda: self.heard.get((name, event), 0) >= times or not self.connection.isAlive(), LIMIT)

    def ask(self, name, event, call):
        """A call, and the event that it must raise."""
        global verbs
        before = self.heard.get((name, event), 0)
        call()
        verbs += 1
        if not self.has_heard(name, event, before + 1):
            lost.append(f"{name}:{event}")


def serve():
    global connections, refused
    listener = Listener()
    connections += 1
    turn = 0
    while not stopping.is_set():
        name = GUESTS[turn % len(GUESTS)]
        turn += 1
        domain = listener.connection.lookupByName(name)
        domain.XMLDesc()
        listener.connection.listAllDomains()
        if domain.state()[0] == libvirt.VIR_DOMAIN_RUNNING:
            listener.ask(name, libvirt.VIR_DOMAIN_EVENT_SUSPENDED, domain.suspend)
        listener.ask(name, libvirt.VIR_DOMAIN_EVENT_RESUMED, domain.resume)
        if turn == 5:
            print("at work", flush=True)


while not stopping.is_set():
    try:
        serve()
    except libvirt.libvirtError:
        refused += 1  # the daemon is away: again
        time.sleep(0.02)
print(f"verbs {verbs} connections {connections} refused {refused} lost {len(lost)} {' '.join(lost)}".rstrip())
