"""usage: events.py URI listen|talk DOMAIN COUNT     one makes COUNT large events, the other counts them until its connection ends"""
import sys
import libvirt

uri, role, name, count = sys.argv[1], sys.argv[2], sys.argv[3], int(sys.argv[4])
libvirt.registerErrorHandler(lambda *_: None, None)
libvirt.virEventRegisterDefaultImpl()
connection = libvirt.open(uri)
domain = connection.lookupByName(name)
if role == "talk":
    for number in range(count):
        space = f"urn:{'x' * 60000}:{number}"
        domain.setMetadata(libvirt.VIR_DOMAIN_METADATA_ELEMENT, "<x/>", "x", space, libvirt.VIR_DOMAIN_AFFECT_CONFIG)
        domain.setMetadata(libvirt.VIR_DOMAIN_METADATA_ELEMENT, None, None, space, libvirt.VIR_DOMAIN_AFFECT_CONFIG)
    sys.exit()

heard, closed = 0, []


def hear(*_):
    global heard
    heard += 1
    if heard == 2 * count:
        print(f"heard {count}")


connection.domainEventRegisterAny(None, libvirt.VIR_DOMAIN_EVENT_ID_METADATA_CHANGE, hear, None)
connection.registerCloseCallback(lambda *_: closed.append(True), None)
print("ready")
while not closed:
    libvirt.virEventRunDefaultImpl()
print("closed")
