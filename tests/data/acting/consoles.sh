# Streams: consoles and pictures. "run" and "talk" start with their CPUs paused, "off" is defined only, "brief" has neither console nor screen.
virsh define run.xml && virsh define off.xml && virsh start --paused run && virsh create --paused brief.xml && virsh define talk.xml && virsh start --paused talk
python3 console.py
virsh domstate talk
virsh console off </dev/null
python3 wire.py off 'd.openConsole(None, c.newStream(), 0)'
python3 wire.py brief 'd.openConsole(None, c.newStream(), 0)'
python3 wire.py run 'd.openConsole("nosuch", c.newStream(), 0)'
python3 wire.py run 'd.openConsole("serial1", c.newStream(), 0)'
python3 wire.py run 'd.openConsole("serial0", c.newStream(), 4)'
python3 wire.py run 'd.openConsole("", c.newStream(), 0)'
virsh screenshot run picture.png && head -c 8 picture.png | od -c
virsh screenshot run | sed 's/-[0-9:-]*.png/-NOW.png/' && ls run-*.png | wc -l
virsh screenshot run other.png --screen 1
virsh screenshot off off.png
virsh screenshot brief brief.png
python3 wire.py run 'd.screenshot(c.newStream(), 0, 1)'
python3 wire.py run 'd.screenshot(c.newStream(), 0, 0)'
python3 wire.py run '(lambda s: (d.screenshot(s, 0, 0), len(s.recv(100)), s.abort()))(c.newStream())'
python3 wire.py run '(lambda s: (d.screenshot(s, 0, 0), s.send(b"no")))(c.newStream())'
virsh destroy run && virsh destroy brief
