using System.Collections.Immutable;
using Wherry.Xml;

namespace Wherry.Qemu.Firmware;

/// <summary>Which of the host's firmwares a definition means that only says what it shall be, by libvirt's rules.</summary>
public static class FirmwareChoice
{
    /// <summary>Where packages put firmware before they described it: code, and the variables that go with it.</summary>
    public static readonly ImmutableArray<(string Loader, string Template)> Undescribed =
    [
        ("/usr/share/OVMF/OVMF_CODE.fd", "/usr/share/OVMF/OVMF_VARS.fd"),
        ("/usr/share/OVMF/OVMF_CODE.secboot.fd", "/usr/share/OVMF/OVMF_VARS.fd"),
    ];

    /// <param name="available">In the order in which they are to be tried; asked for only when there is something to choose.</param>
    /// <param name="ownNvram">Where the guest's variables are when the definition does not say.</param>
    /// <param name="isNvramKept">Whether the guest has its variables already, so that no template is needed.</param>
    /// <returns>Null: there is nothing to choose.</returns>
    /// <exception cref="WherryException">OPERATION_FAILED: nothing here is what the definition asks for.</exception>
    public static ChosenFirmware? Find(
        DomainSpec spec, Func<ImmutableArray<FirmwareDescriptor>> available, string ownNvram, Predicate<string> isNvramKept)
    {
        var os = spec.Os;
        var isOnlyTemplateWanted = os.Firmware is null;
        if (isOnlyTemplateWanted && (os.Loader is not { IsFlash: true, IsReadOnly: true } || os.Nvram.Template is not null
            || (os.Nvram.Path is { } kept && isNvramKept(kept))))
        {
            return null;
        }

        if (available().FirstOrDefault(firmware => Matches(firmware, spec)) is { } found)
            return Chosen(found, spec, ownNvram);
        return isOnlyTemplateWanted
            ? null
            : throw new WherryException(ErrorCode.OperationFailed, $"Unable to find any firmware to satisfy '{Word(os.Firmware)}'");
    }

    /// <summary>What a guest's variables are at first.</summary>
    /// <exception cref="WherryException">OPERATION_FAILED: nobody says.</exception>
    public static string TemplateOf(OsSpec os) => os.Nvram.Template
        ?? Undescribed.FirstOrDefault(pair => pair.Loader == os.Loader.Path).Template
        ?? throw new WherryException(ErrorCode.OperationFailed, $"unable to find any master var store for loader: {os.Loader.Path}");

    private static string? Word(FirmwareKind? kind) => kind switch
    {
        FirmwareKind.Efi => "efi",
        FirmwareKind.Bios => "bios",
        _ => null,
    };

    private static bool Matches(FirmwareDescriptor firmware, DomainSpec spec)
    {
        var os = spec.Os;
        if (os.Firmware is null && (firmware.Mapping as FirmwareMapping.Flash)?.Executable.Path != os.Loader.Path)
            return false;
        return firmware.Interfaces.Contains(os.Firmware == FirmwareKind.Bios ? "bios" : "uefi")
            && firmware.Suits(os.Arch, os.Machine!) // ! : completed
            && (spec.PowerManagement.SuspendToMem != true || firmware.Features.Contains("acpi-s3"))
            && (spec.PowerManagement.SuspendToDisk != true || firmware.Features.Contains("acpi-s4"))
            && IsAsWanted(os.FirmwareFeatures.SecureBoot, "secure-boot")
            && IsAsWanted(os.FirmwareFeatures.EnrolledKeys, "enrolled-keys")
            && (!os.Loader.IsSecure || firmware.Features.Contains("requires-smm"))
            && firmware.Mapping is not FirmwareMapping.Kernel
            && (firmware.Mapping is not FirmwareMapping.Flash flash || (os.Loader.IsStateless ? flash.IsStateless : flash.NvramTemplate is not null));

        bool IsAsWanted(bool? wanted, string feature) => wanted is not { } has || has == firmware.Features.Contains(feature);
    }

    private static ChosenFirmware Chosen(FirmwareDescriptor firmware, DomainSpec spec, string ownNvram)
    {
        var requiresSmm = firmware.Features.Contains("requires-smm");
        if (requiresSmm && spec.Features.Smm == false)
            throw new WherryException(ErrorCode.OperationInvalid, "domain has SMM turned off but chosen firmware requires it");
        if (firmware.Mapping is not FirmwareMapping.Flash flash)
            return new ChosenFirmware(((FirmwareMapping.Memory)firmware.Mapping).Path, IsFlash: false, null, null, requiresSmm);
        if (flash.Executable.Format != "raw")
            throw new WherryException(ErrorCode.OperationUnsupported, $"unsupported flash format '{flash.Executable.Format}'");
        if (flash.NvramTemplate is { Format: not "raw" and var format })
            throw new WherryException(ErrorCode.OperationUnsupported, $"unsupported nvram template format '{format}'");
        return new ChosenFirmware(
            flash.Executable.Path, IsFlash: true, flash.NvramTemplate?.Path, flash.NvramTemplate is null ? null : spec.Os.Nvram.Path ?? ownNvram, requiresSmm);
    }
}
