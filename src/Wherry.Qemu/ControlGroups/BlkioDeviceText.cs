using System.Collections.Immutable;
using System.Globalization;
using Wherry.Xml;

namespace Wherry.Qemu.ControlGroups;

/// <summary>Limits of several of the host's devices in one text: <c>/dev/sda,100,/dev/sdb,200</c>.</summary>
public static class BlkioDeviceText
{
    /// <summary>Which of <see cref="BlkioDeviceTuning.Fields"/> a parameter stands for.</summary>
    /// <param name="parameter">Such as device_weight.</param>
    public static string LimitOf(string parameter)
    {
        ArgumentNullException.ThrowIfNull(parameter);
        return parameter["device_".Length..];
    }

    /// <summary>The devices with one of their limits as the text says; 0 takes it back.</summary>
    /// <param name="parameter">Such as device_weight.</param>
    /// <exception cref="WherryException">InvalidArg: no such text.</exception>
    public static IReadOnlyList<BlkioDeviceTuning> Merge(IReadOnlyList<BlkioDeviceTuning> devices, string parameter, string text)
    {
        var limit = LimitOf(parameter);
        var result = devices.ToList();
        foreach (var (path, value) in Read(parameter, text))
        {
            var at = result.FindIndex(device => device.Path == path);
            if (at >= 0)
                result[at] = result[at] with { Limits = result[at].Limits.SetItem(limit, value) };
            else if (value != 0)
                result.Add(new BlkioDeviceTuning(path, ImmutableSortedDictionary.Create<string, ulong>(StringComparer.Ordinal).Add(limit, value)));
        }

        return result;
    }

    /// <summary>The devices that a text names, with one limit each.</summary>
    /// <param name="parameter">Such as device_weight.</param>
    /// <exception cref="WherryException">InvalidArg: no such text.</exception>
    public static IReadOnlyList<(string Path, ulong Value)> Read(string parameter, string text)
    {
        ArgumentNullException.ThrowIfNull(parameter);
        ArgumentNullException.ThrowIfNull(text);
        if (text.Length == 0)
            return [];
        var parts = text.Split(',');
        if (parts.Length % 2 != 0)
            throw new WherryException(ErrorCode.InvalidArg, $"unable to parse blkio device '{parameter}' '{text}'", ErrorDomain.Domain);
        var most = parameter.EndsWith("bytes_sec", StringComparison.Ordinal) ? ulong.MaxValue : uint.MaxValue;
        var result = new List<(string, ulong)>();
        for (var i = 0; i < parts.Length; i += 2)
        {
            if (!ulong.TryParse(parts[i + 1], NumberStyles.None, CultureInfo.InvariantCulture, out var value) || value > most)
            {
                // libvirt reads digits, and then minds what follows them.
                throw char.IsAsciiDigit(parts[i + 1].FirstOrDefault()) && !parts[i + 1].All(char.IsAsciiDigit)
                    ? new WherryException(ErrorCode.InvalidArg, $"unable to parse blkio device '{parameter}' '{text}'", ErrorDomain.Domain)
                    : new WherryException(
                        ErrorCode.InvalidArg,
                        $"invalid value '{string.Join(',', parts[(i + 1)..])}' for parameter '{parameter}' of device '{parts[i]}'",
                        ErrorDomain.Domain);
            }

            result.Add((parts[i], value));
        }

        return result;
    }
}
