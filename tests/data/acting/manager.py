"""What virt-manager does when it connects: asks what the daemon can do, lists everything, and subscribes to everything's events.

usage: manager.py     to the default URI; virt-manager's own code without its windows, which the virtinst package holds
"""
import os
import sys
import threading
import libvirt

sys.path.insert(0, "/usr/share/virt-manager")
from virtinst import VirtinstConnection  # noqa: E402
from virtinst import pollhelpers  # noqa: E402

libvirt.registerErrorHandler(lambda *_: None, None)
libvirt.virEventRegisterDefaultImpl()


def loop():
    while True:
        libvirt.virEventRunDefaultImpl()


threading.Thread(target=loop, daemon=True).start()
heard, changed = [], threading.Condition()


def hear(*words):
    with changed:
        heard.append(" ".join(map(str, words)))
        changed.notify_all()


def attempt(name, call):
    try:
        print(name, call())
    except libvirt.libvirtError as e:
        print(name, "error", e.get_error_code(), e.get_error_domain(), e.get_error_message())


connection = VirtinstConnection(os.environ["LIBVIRT_DEFAULT_URI"])
connection.open(None, None)
raw = connection._libvirtconn
print("qemu", connection.is_qemu(), "privileged", connection.is_privileged(), "remote", connection.is_remote())
raw.setKeepAlive(20, 1)
domain = raw.defineXML("<domain type='qemu'><name>m</name><memory>65536</memory><os><type>hvm</type></os></domain>")
for name in sorted(dir(connection.support)):
    if name.startswith("conn_") and name != "conn_nodedev":
        print(name, getattr(connection.support, name)())
    elif name.startswith("domain_"):
        print(name, getattr(connection.support, name)(domain))
for name in ("fetch_vms", "fetch_nets", "fetch_pools"):
    gone, new, current = getattr(pollhelpers, name)(connection, {}, lambda it, key: key)
    print(name, gone, new, current)
print("all", [d.name for d in connection.fetch_all_domains()], connection.fetch_all_pools(), connection.fetch_all_vols())
print("node", raw.getInfo()[0], sorted(raw.getMemoryStats(-1)), sorted(raw.getCPUStats(-1)), raw.getType(), raw.isAlive(), raw.isSecure())
print("capabilities", connection.caps.host.cpu.arch, [guest.arch for guest in connection.caps.guests][:1])
print("interfaces", type(raw.listAllInterfaces()).__name__, "secrets", raw.listAllSecrets(), "filters", raw.listAllNWFilters())

ids = [raw.domainEventRegisterAny(None, kind, lambda *_: None, None) for kind in range(27)]
ids = {
    "pool-lifecycle": raw.storagePoolEventRegisterAny(
        None, libvirt.VIR_STORAGE_POOL_EVENT_ID_LIFECYCLE, lambda c, pool, event, detail, o: hear("pool", pool.name(), event, detail), None),
    "pool-refresh": raw.storagePoolEventRegisterAny(
        None, libvirt.VIR_STORAGE_POOL_EVENT_ID_REFRESH, lambda c, pool, o: hear("pool", pool.name(), "refreshed"), None),
    "network": raw.networkEventRegisterAny(None, libvirt.VIR_NETWORK_EVENT_ID_LIFECYCLE, lambda *_: hear("network"), None),
    "secret": raw.secretEventRegisterAny(None, libvirt.VIR_SECRET_EVENT_ID_LIFECYCLE, lambda *_: hear("secret"), None),
    "secret-value": raw.secretEventRegisterAny(None, libvirt.VIR_SECRET_EVENT_ID_VALUE_CHANGED, lambda *_: hear("secret"), None),
}
path = os.path.join(os.getcwd(), "managed")
xml = f"<pool type='dir'><name>managed</name><uuid>30000000-0000-4000-8000-0000000000ad</uuid><target><path>{path}</path></target></pool>"
pool = raw.storagePoolDefineXML(xml)
one = raw.storagePoolEventRegisterAny(
    pool, libvirt.VIR_STORAGE_POOL_EVENT_ID_LIFECYCLE, lambda c, pool, event, detail, o: hear("this pool", pool.name(), event, detail), None)
pool.build()
pool.create()
pool.refresh()
volume = pool.createXML("<volume><name>v</name><capacity>4096</capacity></volume>")
print("volume", volume.info(), volume.name(), [v.name() for v in pool.listAllVolumes()], pool.listVolumes(), pool.numOfVolumes())
print("by", raw.storageVolLookupByKey(volume.key()).name(), volume.storagePoolLookupByVolume().name(), raw.storagePoolLookupByTargetPath(path).name())
print("pool", pool.isActive(), pool.isPersistent(), pool.autostart(), pool.info()[0], raw.numOfStoragePools(), raw.listStoragePools())
attempt("delete", lambda: volume.delete(2))
attempt("delete", lambda: volume.delete())
attempt("info", lambda: volume.info())
attempt("xml", lambda: pool.XMLDesc(2))
attempt("start", lambda: pool.create(16))
attempt("define", lambda: raw.storagePoolDefineXML(xml, 2))
pool.destroy()
attempt("volumes", lambda: pool.listAllVolumes())
pool.delete()
pool.undefine()
attempt("info", lambda: pool.info())
with changed:
    changed.wait_for(lambda: any(line == "pool managed 1 0" for line in heard) and any(line == "this pool managed 1 0" for line in heard), 20)
print("\n".join(sorted(heard)))
raw.storagePoolEventDeregisterAny(one)
for name, number in ids.items():
    {"pool": raw.storagePoolEventDeregisterAny, "network": raw.networkEventDeregisterAny, "secret": raw.secretEventDeregisterAny}[
        name.split("-")[0]](number)
domain.undefine()
connection.close()
