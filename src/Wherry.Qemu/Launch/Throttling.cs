using Wherry.Qemu.HotPlug;
using Wherry.Xml;

namespace Wherry.Qemu.Launch;

/// <summary>A disk's limits in QEMU's words: <c>total_bytes_sec</c> is <c>bps</c>, <c>write_iops_sec_max</c> is <c>iops_wr_max</c>.</summary>
internal static class Throttling
{
    public const string Command = "block_set_io_throttle";

    /// <summary>All limits are always told; QEMU wants the lengths of bursts only where they are given.</summary>
    public static string Arguments(DiskSpec disk, IoTuneSpec tune)
    {
        var arguments = new Properties().Text("id", DeviceUpdate.QomName(disk));
        foreach (var limit in IoTuneSpec.Fields)
        {
            if (limit == IoTuneSpec.Group)
                arguments.Text("group", tune.GroupName);
            else if (tune[limit] != 0 || !limit.EndsWith("_length", StringComparison.Ordinal))
                arguments.Number(NameOf(limit), tune[limit]);
        }

        return arguments.ToString();
    }

    /// <summary>QEMU's name of a limit.</summary>
    public static string NameOf(string limit)
    {
        if (limit == "size_iops_sec")
            return "iops_size";
        var parts = limit.Split('_', 4); // such as read, bytes, sec, max_length
        var kind = parts[1] == "bytes" ? "bps" : "iops";
        var side = parts[0] switch { "read" => "_rd", "write" => "_wr", _ => "" };
        return kind + side + (parts.Length == 4 ? "_" + parts[3] : "");
    }
}
