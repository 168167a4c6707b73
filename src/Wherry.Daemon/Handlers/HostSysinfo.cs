using Wherry.Errors;
using Wherry.Qemu.Process;
using Wherry.Xml;

namespace Wherry.Daemon.Handlers;

/// <summary>What <c>virsh sysinfo</c> shows: the host's firmware tables, as dmidecode reads them. They do not change: asked once, when somebody asks.</summary>
internal sealed class HostSysinfo(ToolRunner tools)
{
    private readonly Lazy<Task<string?>> _read = new(async () =>
        await tools.ReadAsync("/usr/sbin/dmidecode", ["-q", "-t", SysinfoXml.Types], CancellationToken.None) is { } text ? SysinfoXml.Write(text) : null);

    /// <exception cref="WherryException">ConfigUnsupported: there is no dmidecode, this user may not read the tables, or there are none.</exception>
    public async Task<string> GetXmlAsync(CancellationToken ct) =>
        await _read.Value.WaitAsync(ct) ?? throw new WherryException(ErrorCode.ConfigUnsupported, "Host SMBIOS information is not available");
}
