using System.Collections.Immutable;

namespace Wherry.Qemu.Firmware;

/// <summary>What a firmware runs on.</summary>
/// <param name="Machines">Patterns of canonical machine names: <c>pc-q35-*</c>.</param>
public sealed record FirmwareTarget(string Architecture, ImmutableArray<string> Machines);
