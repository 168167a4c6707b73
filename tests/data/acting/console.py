# What becomes of console streams. The guest is firmware that talks on its serial port and waits for a key. It talks once, and QEMU drops what
# nobody reads: so it is started with its CPUs paused, and runs once its console is open.
import threading
import libvirt

libvirt.registerErrorHandler(lambda _, error: None, None)


def tell(what, call):
    try:
        print(what, call(), flush=True)
    except libvirt.libvirtError as error:
        print(what, error.get_error_code(), error.get_error_domain(), error, flush=True)


def open_console(device=None, flags=0):
    connection = libvirt.open()
    stream = connection.newStream(0)
    connection.lookupByName("talk").openConsole(device, stream, flags)
    return connection, stream


def read_until(stream, words):
    seen = b""
    while words not in seen:
        data = stream.recv(4096)
        if not data:
            return False
        seen += data
    return True


def drain(stream):
    while stream.recv(4096):
        pass


watchdog = threading.Timer(100, lambda: __import__("os")._exit(99))
watchdog.daemon = True
watchdog.start()
first, stream = open_console()
first.lookupByName("talk").resume()
tell("firmware:", lambda: read_until(stream, b"boot menu"))
tell("second:", lambda: open_console() and None)
tell("second, by name:", lambda: open_console("serial0") and None)
tell("another device:", lambda: open_console("parallel0")[1].abort())
tell("escape:", lambda: stream.send(b"\x1b"))
# To its end: stock tells a holder nothing whose console is taken while data for it is on the way, and it would wait for ever.
tell("menu:", lambda: read_until(stream, b"option rom\r\n"))
third, taken = open_console(None, libvirt.VIR_DOMAIN_CONSOLE_FORCE)
tell("taken:", lambda: drain(stream))
tell("alive:", lambda: first.lookupByName("talk").state())
tell("finish:", lambda: taken.finish())
fourth, stream = open_console("serial0", libvirt.VIR_DOMAIN_CONSOLE_SAFE)
tell("abort:", lambda: stream.abort())
fifth, stream = open_console()
tell("many bytes:", lambda: stream.send(b"x" * 3000))
fifth.lookupByName("talk").destroy()
drain(stream)
tell("after destroy:", lambda: stream.recv(4096))
tell("finish:", lambda: stream.finish())
tell("alive:", lambda: fifth.lookupByName("talk").state())
