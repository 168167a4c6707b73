"""usage: monitor.py SOCKET HMP-COMMAND     one line to a QEMU whose daemon is away"""
import json
import socket
import sys

with socket.socket(socket.AF_UNIX) as monitor:
    monitor.connect(sys.argv[1])
    lines = monitor.makefile("rw")
    lines.readline()
    for command, arguments in [("qmp_capabilities", {}), ("human-monitor-command", {"command-line": sys.argv[2]}), ("query-status", {})]:
        lines.write(json.dumps({"execute": command, "arguments": arguments, "id": command}) + "\n")
        lines.flush()
        while json.loads(lines.readline()).get("id") != command:
            pass
