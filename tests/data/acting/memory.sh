# Names, words and memory. "run" runs, "off" is defined only, "brief" runs and is not defined.
virsh define run.xml && virsh define off.xml && virsh start --paused run && virsh create --paused brief.xml

# domrename
virsh domrename run other
virsh domrename brief other
virsh domrename off off
virsh domrename off run
virsh domrename off brief
virsh domrename off 'a/b'
virsh domrename off ''
virsh domrename nosuch other
virsh domrename off other
virsh list --all
virsh dominfo off
virsh dumpxml other
virsh autostart other
virsh domrename other again
virsh dominfo again
virsh domrename again off
virsh autostart --disable off
timeout 20 sh -c 'virsh event --all --loop >events & sleep 2; virsh domrename off other; virsh domrename other off; sleep 1; kill $!; cat events'
python3 wire.py off 'd.rename("other", 1)'

# desc
virsh desc run
virsh desc run --title
virsh desc off
virsh desc off --title
virsh desc run --new-desc 'A description' 
virsh desc run 'A description'
virsh desc run --config
virsh desc run --live
virsh desc run --title 'Another title' --live --config
virsh desc run --title --config
virsh desc off "$(printf 'Words\nin two lines')"
virsh desc off
virsh desc off --live x
virsh desc brief --config x
virsh desc brief x --current
virsh desc brief
virsh desc run --title ''
virsh desc run --title
python3 wire.py run 'd.setMetadata(1, "two\nlines", None, None)'
python3 wire.py run 'd.setMetadata(1, "a title", "key", None)'
python3 wire.py run 'd.setMetadata(7, "a title", None, None)'
python3 wire.py run 'd.setMetadata(0, "a text", None, None, 8)'
python3 wire.py run 'd.metadata(7, None)'
python3 wire.py run 'd.metadata(0, None, 8)'
virsh dumpxml run --inactive | head -8

# metadata
virsh metadata run urn:one
virsh metadata run urn:one --key one --set '<app><a b="c"/>text</app>' --config --live
virsh metadata run urn:one
virsh metadata run urn:one --config
virsh metadata run urn:two --key two --set '<other/>'
virsh metadata run urn:two --config
virsh metadata run urn:two
virsh metadata run urn:one --key one --set '<app>again</app>' --live
virsh metadata run urn:one --live
virsh metadata run urn:one --config
virsh dumpxml run | sed -n '/<metadata/,/<.metadata/p'
virsh metadata run urn:one --remove --live
virsh metadata run urn:one
virsh metadata run urn:one --config
virsh metadata run urn:three --remove
virsh metadata run urn:three --key 'no good' --set '<x/>'
virsh metadata run urn:three --key three --set '<x'
virsh metadata run urn:three --set '<x/>'
virsh metadata off urn:one --live
virsh metadata brief urn:one --config
timeout 20 sh -c 'virsh event --all --loop >events & sleep 2; virsh metadata run urn:four --key four --set "<x/>"; virsh desc run words; virsh desc run --title words; sleep 1; kill $!; cat events'

# setmem, setmaxmem
virsh setmem run 32M
virsh dominfo run
virsh setmem run 32M --config
virsh dumpxml run --inactive --xpath /domain/currentMemory
virsh setmem run 48M --live --config
virsh setmem run 65M
virsh setmem run 65M --config
virsh setmem run 0
virsh setmem run 99999999999999999
virsh setmem off 32M
virsh setmem off 32M --live
virsh setmem off 32M --config
virsh dominfo off
virsh setmem brief 16M
virsh setmem brief 16M --config
virsh setmaxmem run 128M
virsh setmaxmem run 128M --live
virsh setmaxmem run 128M --config
virsh setmaxmem run 48M --config
virsh dumpxml run --inactive --xpath /domain/memory
virsh dumpxml run --inactive --xpath /domain/currentMemory
virsh setmaxmem off 128M
virsh dominfo off
virsh setmaxmem off 16M
virsh dominfo off
virsh setmaxmem brief 16M
virsh setmaxmem brief 16M --config
python3 wire.py run 'd.setMemory(32768)'
python3 wire.py off 'd.setMemory(32768)'
python3 wire.py off 'd.setMaxMemory(32768)'
python3 wire.py run 'd.setMemoryFlags(32768, 8)'

# inject-nmi, send-key
virsh inject-nmi run
virsh inject-nmi off
python3 wire.py run 'd.injectNMI(1)'
virsh send-key run KEY_LEFTCTRL KEY_LEFTALT KEY_DELETE
virsh send-key run --codeset usb 0x4
virsh send-key run --codeset xt 30 31
virsh send-key run --codeset atset1 0xe001 0x1
virsh send-key run --codeset atset2 0x1c
virsh send-key run --codeset atset3 0x1c
virsh send-key run --codeset os_x 0x7e
virsh send-key run --codeset xt_kbd 30
virsh send-key run --codeset win32 VK_A
virsh send-key run --codeset qnum 0x1e
virsh send-key run --codeset rfb 0x1e
virsh send-key run --codeset usb 0x9999
virsh send-key run --codeset linux 9999
virsh send-key run --codeset qnum 0x10000
virsh send-key run --codeset nosuch 1
virsh send-key run --holdtime 50 KEY_A
virsh send-key off KEY_A
virsh send-key off --codeset usb 0x9999
python3 wire.py run 'd.sendKey(12, 0, [1], 1, 0)'
python3 wire.py run 'd.sendKey(0, 0, [1], 1, 1)'
python3 wire.py run '[d.sendKey(s, 1, [k], 1, 0) for s in (1, 2, 3, 4, 5, 6, 7, 8) for k in (1, 2, 28, 0x1c, 0)]'
virsh destroy run && virsh destroy brief && virsh undefine run && virsh undefine off
