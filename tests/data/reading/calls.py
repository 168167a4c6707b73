# Evaluates each line of standard input with "conn", "live" (a paused domain) and "off" (a defined one), and prints its value, or the error
# that it raised, on one line.
import re
import sys

import libvirt

libvirt.registerErrorHandler(lambda *ignored: None, None)
conn = libvirt.open(sys.argv[1])
live, off = conn.lookupByName("all"), conn.lookupByName("off")
UNKNOWN = "11111111-1111-4111-8111-111111111112"


def part(pattern, *asked):
    """What of a domain capabilities document is about the machine ("head"), or an element."""
    text = conn.getDomainCapabilities(*asked)
    return re.search("(?s)^.*<vcpu[^>]*>" if pattern == "head" else "(?s)<%s.*</%s>" % (pattern, pattern), text).group()


for line in sys.stdin:
    try:
        result = eval(line)
    except libvirt.libvirtError as e:
        err = e.err or ()
        result = "error code %s domain %s level %s: %s | %s | %s | %s %s" % (err[0], err[1], err[3], err[2], err[4], err[5], err[7], err[8]) if err else e
    print(repr(result), flush=True)
