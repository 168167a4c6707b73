namespace Wherry.Xml.Tests;

public sealed class SysinfoXmlTests
{
    [Fact]
    public void What_dmidecode_writes_becomes_the_entries_of_libvirt() => Assert.Equal(
        """
        <sysinfo type='smbios'>
          <bios>
            <entry name='vendor'>Example &amp; Sons</entry>
            <entry name='date'>04/01/2014</entry>
          </bios>
          <system>
            <entry name='product'>Rack</entry>
            <entry name='family'>Servers</entry>
          </system>
          <baseBoard>
            <entry name='manufacturer'>Boards</entry>
          </baseBoard>
          <baseBoard>
            <entry name='location'>Riser</entry>
          </baseBoard>
          <processor>
            <entry name='socket_destination'>CPU 0</entry>
            <entry name='type'>Central Processor</entry>
            <entry name='max_speed'>2000 MHz</entry>
          </processor>
          <memory_device>
            <entry name='size'>16 GB</entry>
            <entry name='locator'>DIMM 0</entry>
            <entry name='type'>DDR4</entry>
          </memory_device>
          <oemStrings>
            <entry>first: of two</entry>
            <entry>second</entry>
          </oemStrings>
        </sysinfo>

        """,
        SysinfoXml.Write(
            """
            BIOS Information
            	Vendor: Example & Sons
            	Version:
            	Release Date: 04/01/2014
            	Characteristics:
            		BIOS Revision: not a field of ours

            System Information
            	Product Name: Rack
            	Family: Servers

            Base Board Information
            	Manufacturer: Boards

            Base Board Information
            	Location In Chassis: Riser

            Chassis Information
            	Manufacturer: 

            Processor Information
            	Socket Designation: CPU 0
            	Type: Central Processor
            	Max Speed: 2000 MHz

            Memory Device
            	Size: 16 GB
            	Locator: DIMM 0
            	Type: DDR4

            Memory Device
            	Size: No Module Installed
            	Locator: DIMM 1

            OEM Strings
            	String 1: first: of two
            	String 2: second

            System Information
            	Product Name: a second one is not shown

            """));
}
