# Calls that virsh would not make: python3 wire.py DOMAIN EXPRESSION, with d for the domain, c for the connection and l for libvirt.
import sys
import libvirt

libvirt.registerErrorHandler(lambda _, error: None, None)
connection = libvirt.open()
try:
    domain = connection.lookupByName(sys.argv[1])
    print(eval(sys.argv[2], {"d": domain, "c": connection, "l": libvirt}))
except libvirt.libvirtError as error:
    print(error.get_error_code(), error.get_error_domain(), error)
