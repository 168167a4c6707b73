using System.Collections.Frozen;

namespace Wherry.Xml;

/// <summary>The processor architectures that libvirt has names for.</summary>
public static class Architectures
{
    public static FrozenSet<string> Known { get; } =
        ("alpha armv6l armv7l armv7b aarch64 cris i686 ia64 lm32 m68k microblaze microblazeel mips mipsel mips64 mips64el openrisc parisc parisc64 "
        + "ppc ppcle ppc64 ppc64le ppcemb riscv32 riscv64 s390 s390x sh4 sh4eb sparc sparc64 unicore32 x86_64 xtensa xtensaeb")
        .Split(' ').ToFrozenSet(StringComparer.Ordinal);

    public static bool IsX86(string arch) => arch is "x86_64" or "i686";
}
