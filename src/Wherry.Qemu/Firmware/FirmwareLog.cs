using Microsoft.Extensions.Logging;

namespace Wherry.Qemu.Firmware;

internal static partial class FirmwareLog
{
    [LoggerMessage(3300, LogLevel.Warning, "firmware description '{Path}' is left out: {Reason}")]
    public static partial void Unreadable(ILogger logger, string path, string reason);
}
