using System.Collections.Immutable;

namespace Wherry.Qemu.Launch;

/// <summary>An argument list being written. Order matters: QEMU creates devices in the order it reads them.</summary>
internal sealed class Arguments
{
    private readonly ImmutableArray<string>.Builder _list = ImmutableArray.CreateBuilder<string>(128);

    public void Add(string option) => _list.Add(option);

    public void Add(string option, string value)
    {
        _list.Add(option);
        _list.Add(value);
    }

    public void AddDevice(Properties properties) => Add("-device", properties.ToString());

    public void AddObject(Properties properties) => Add("-object", properties.ToString());

    public ImmutableArray<string> ToImmutable() => _list.ToImmutable();

    /// <summary>Text inside a <c>key=value,key=value</c> option: a comma would end the value, two stand for one.</summary>
    public static string Escape(string value) => value.Replace(",", ",,", StringComparison.Ordinal);

    public static string OnOff(bool on) => on ? "on" : "off";
}
