"""A libvirt client that does one call per line of its input and tells when it began and ended.

usage: client.py URI
input:   create FILE | define FILE | start NAME | destroy NAME | undefine NAME | migrate NAME PEER-URI FLAGS [PARAMETER=TEXT]...
output:  ok BEGAN ENDED          nanoseconds of CLOCK_MONOTONIC, which the bench's own clock is as well
         error MESSAGE
Only the call itself is timed: not a program's start, a connection's opening, or a name's look-up.
"""
import sys
import time

import libvirt

connection = libvirt.open(sys.argv[1])
libvirt.registerErrorHandler(lambda _context, _error: None, None)


def prepare(verb, *arguments):
    if verb == "create":
        xml = open(arguments[0]).read()
        return lambda: connection.createXML(xml, 0)
    if verb == "define":
        xml = open(arguments[0]).read()
        return lambda: connection.defineXML(xml)
    domain = connection.lookupByName(arguments[0])
    return {
        "start": domain.create,
        "destroy": domain.destroy,
        "undefine": domain.undefine,
        "migrate": lambda: domain.migrateToURI3(arguments[1], dict(word.split("=", 1) for word in arguments[3:]), int(arguments[2])),
    }[verb]


for line in sys.stdin:
    try:
        call = prepare(*line.split())
        began = time.monotonic_ns()
        call()
        print("ok", began, time.monotonic_ns(), flush=True)
    except libvirt.libvirtError as error:
        print("error", str(error).replace("\n", " "), flush=True)
