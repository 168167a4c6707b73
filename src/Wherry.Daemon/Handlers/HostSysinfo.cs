using Wherry.Errors;
using Wherry.Qemu.Process;
using Wherry.Xml;

namespace Wherry.Daemon.Handlers;

/// <summary>What <c>virsh sysinfo</c> shows: the host's firmware tables, as dmidecode reads them. They do not change: read once, when somebody asks.</summary>
internal sealed class HostSysinfo(ToolRunner tools)
{
    private volatile Task<string?>? _reading;

    /// <exception cref="WherryException">
    /// ConfigUnsupported: there is no dmidecode, this user may not read the tables, or there are none. OperationTimeout: it did not end; the next who
    /// asks has it tried again.
    /// </exception>
    public async Task<string> GetXmlAsync(CancellationToken ct)
    {
        var reading = _reading;
        if (reading is null or { IsFaulted: true })
            _reading = reading = ReadAsync();
        return await reading.WaitAsync(ct) ?? throw new WherryException(ErrorCode.ConfigUnsupported, "Host SMBIOS information is not available");
    }

    private async Task<string?> ReadAsync() =>
        await tools.ReadAsync("/usr/sbin/dmidecode", ["-q", "-t", SysinfoXml.Types], CancellationToken.None) is { } text ? SysinfoXml.Write(text) : null;
}
