namespace Wherry.Qemu.Firmware;

/// <summary>How a firmware gets into the machine.</summary>
public abstract record FirmwareMapping
{
    private FirmwareMapping()
    {
    }

    /// <param name="NvramTemplate">What the variables are at first; null where code and variables are one file, or there are none.</param>
    /// <param name="IsStateless">There are no variables.</param>
    public sealed record Flash(FirmwareFile Executable, FirmwareFile? NvramTemplate, bool IsStateless) : FirmwareMapping;

    /// <summary>Read-only memory.</summary>
    public sealed record Memory(string Path) : FirmwareMapping;

    public sealed record Kernel(string Path) : FirmwareMapping;
}

/// <param name="Format">"raw" or "qcow2".</param>
public sealed record FirmwareFile(string Path, string Format);
