"""usage: bystander.py URI HUNG OTHER     30 connections wait for one hung guest; how long do calls on another take meanwhile?"""
import glob
import os
import signal
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


def pid_of(name):
    for path in glob.glob("/proc/[0-9]*/cmdline"):
        try:
            if f"guest={name},".encode() in open(path, "rb").read():
                return int(path.split("/")[2])
        except OSError:
            pass  # It has ended.


def keep_stopped(pid):
    """SIGTERM comes with SIGCONT, so one that shall not obey it is stopped again and again."""
    try:
        while True:
            os.kill(pid, signal.SIGSTOP)
            time.sleep(0.001)
    except ProcessLookupError:
        pass


threading.Thread(target=keep_stopped, args=(pid_of(HUNG),), daemon=True).start()
ended = 0.0


def destroy():
    global ended
    began = time.monotonic()
    libvirt.open(URI).lookupByName(HUNG).destroy()
    ended = time.monotonic() - began


destroying = threading.Thread(target=destroy)
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
print(f"longest {slowest:.3f} s of all calls, ended after {ended:.1f} s, waiting meanwhile: {still}")
