using Wherry.Xml;

namespace Wherry.Qemu.Launch;

/// <summary>Sound cards. Intel's HD audio is a bus with codecs on it, and those are what plays.</summary>
internal static class Sounds
{
    public static void Add(Arguments arguments, DomainSpec spec, BusNames bus)
    {
        foreach (var sound in spec.Sounds)
        {
            var audio = Audio(sound, spec);
            arguments.AddDevice(bus.AddAddress(
                Properties.OfDevice(Driver(sound)).Text("id", sound.Alias).Text("audiodev", sound.HasCodecs ? null : audio), sound.Address));
            if (!sound.HasCodecs)
                continue;
            foreach (var (number, codec) in (sound.Codecs.IsEmpty ? ["duplex"] : sound.Codecs).Index())
            {
                arguments.AddDevice(Properties.OfDevice("hda-" + codec)
                    .Text("id", $"{sound.Alias}-codec{number}").Text("bus", $"{sound.Alias}.0").Number("cad", number).Text("audiodev", audio));
            }
        }
    }

    private static string Audio(SoundSpec sound, DomainSpec spec)
    {
        var found = sound.AudioId is { } id ? spec.Audios.FirstOrDefault(audio => audio.Id == id) : spec.Audios.FirstOrDefault();
        return found is not null
            ? $"audio{found.Id}"
            : throw new WherryException(ErrorCode.InternalError, $"unable to find <audio> with id '{sound.AudioId}' for sound card '{sound.Alias}'", ErrorDomain.Qemu);
    }

    private static string Driver(SoundSpec sound) => sound.Model switch
    {
        "es1370" => "ES1370",
        "ac97" => "AC97",
        "ich6" => "intel-hda",
        "ich9" => "ich9-intel-hda",
        var model => model,
    };
}
