"""usage: bystander.py URI HUNG OTHER     30 connections wait for one hung guest; how long do calls on another take meanwhile?"""
import sys
import threading
import time
import libvirt

URI, HUNG, OTHER = sys.argv[1:]
libvirt.registerErrorHandler(lambda *_: None, None)
blocked = []


def wait_for(connection):
    try:
        connection.lookupByName(HUNG).suspend()
    except libvirt.libvirtError as error:
        blocked.append(error.get_error_code())


connections = [libvirt.open(URI) for _ in range(30)]
threads = [threading.Thread(target=wait_for, args=(connection,)) for connection in connections]
for thread in threads:
    thread.start()
own = libvirt.open(URI)
other, hung = own.lookupByName(OTHER), own.lookupByName(HUNG)
slowest = 0.0


def timed(call):
    global slowest
    began = time.monotonic()
    call()
    slowest = max(slowest, time.monotonic() - began)


while own.lookupByName(HUNG).controlInfo()[0] == 0:
    pass
destroying = threading.Thread(target=lambda: libvirt.open(URI).lookupByName(HUNG).destroy())
for call in range(100):
    if call <= 50:
        timed(hung.info)
        timed(hung.XMLDesc)
    timed(own.listAllDomains)
    if call % 25 == 5:
        timed(other.create)
    elif call % 25 == 20:
        timed(other.destroy)
    else:
        timed(other.info)
    if call == 50:
        still = sum(thread.is_alive() for thread in threads)
        destroying.start()
destroying.join()
for thread in threads:
    thread.join()
print(f"longest {slowest:.3f} s of all calls, waiting meanwhile: {still}")
