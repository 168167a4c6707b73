"""Tells a domain's life as a reader hears it through libvirt-python's asyncio event loop, an event a line, until the domain is undefined.

usage: listen.py DOMAIN     of the default URI; says "ready" when it listens
"""
import asyncio
import sys
import libvirt
import libvirtaio

LIFE = ["defined", "undefined", "started", "suspended", "resumed", "stopped", "shutdown", "pmsuspended", "crashed"]
KINDS = {
    libvirt.VIR_DOMAIN_EVENT_ID_LIFECYCLE: lambda event, detail: f"{LIFE[event]} {detail}",
    libvirt.VIR_DOMAIN_EVENT_ID_REBOOT: lambda: "reboot",
    libvirt.VIR_DOMAIN_EVENT_ID_DEVICE_ADDED: lambda alias: f"added {alias}",
    libvirt.VIR_DOMAIN_EVENT_ID_DEVICE_REMOVED: lambda alias: f"removed {alias}",
}


async def listen(name):
    libvirtaio.virEventRegisterAsyncIOImpl()
    connection = libvirt.openReadOnly()
    heard = asyncio.Queue()

    def on(tell):
        def hear(_, domain, *details):
            if domain.name() == name:
                heard.put_nowait(f"{tell(*details[:-1])}, id {domain.ID()}")
        return hear

    ids = [connection.domainEventRegisterAny(None, kind, on(tell), None) for kind, tell in KINDS.items()]
    print("ready", flush=True)
    line = ""
    while not line.startswith("undefined"):
        line = await heard.get()
        print(line, flush=True)
    for number in ids:
        connection.domainEventDeregisterAny(number)
    connection.close()


asyncio.run(listen(sys.argv[1]))
