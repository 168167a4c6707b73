namespace Wherry.Xml;

/// <summary>libvirt's virDomainLifecycle: what happens to a guest, with an action for it in the definition.</summary>
public enum LifecycleOccasion
{
    Poweroff = 0,
    Reboot = 1,
    Crash = 2,
}

/// <summary>Which actions make sense on which occasion. The texts are libvirt's.</summary>
public static class LifecycleActions
{
    /// <summary>The element's name.</summary>
    public static string ElementOf(LifecycleOccasion occasion) => $"on_{TextOf(occasion)}";

    public static string TextOf(LifecycleAction action) => action switch
    {
        LifecycleAction.Destroy => "destroy",
        LifecycleAction.Restart => "restart",
        LifecycleAction.RenameRestart => "rename-restart",
        LifecycleAction.Preserve => "preserve",
        LifecycleAction.CoredumpDestroy => "coredump-destroy",
        LifecycleAction.CoredumpRestart => "coredump-restart",
        _ => throw new ArgumentOutOfRangeException(nameof(action), action, "unknown lifecycle action"),
    };

    /// <exception cref="DomainXmlException">ConfigUnsupported: only a crash can be dumped.</exception>
    public static void CheckAllowed(LifecycleOccasion occasion, LifecycleAction action)
    {
        if (occasion != LifecycleOccasion.Crash && action is LifecycleAction.CoredumpDestroy or LifecycleAction.CoredumpRestart)
            throw DomainXmlException.Unsupported($"Lifecycle event '{TextOf(occasion)}' doesn't support '{TextOf(action)}' action");
    }

    /// <summary>What QEMU can do of the three together.</summary>
    /// <exception cref="DomainXmlException">ConfigUnsupported.</exception>
    public static void CheckTogether(LifecycleAction onPoweroff, LifecycleAction onReboot, LifecycleAction onCrash)
    {
        if (onPoweroff == LifecycleAction.RenameRestart || onReboot == LifecycleAction.RenameRestart || onCrash == LifecycleAction.RenameRestart)
            throw DomainXmlException.UnsupportedByQemu(
                "qemu driver doesn't support the 'rename-restart' action for 'on_reboot'/'on_poweroff'/'on_crash'");
        if (onPoweroff == LifecycleAction.Preserve || onReboot == LifecycleAction.Preserve)
            throw DomainXmlException.UnsupportedByQemu("qemu driver doesn't support the 'preserve' action for 'on_reboot'/'on_poweroff'");
        if (onPoweroff == LifecycleAction.Restart && onReboot == LifecycleAction.Destroy)
            throw DomainXmlException.UnsupportedByQemu(
                "qemu driver doesn't support 'onReboot' set to 'destroy and 'onPoweroff' set to 'reboot'");
    }

    private static string TextOf(LifecycleOccasion occasion) => occasion switch
    {
        LifecycleOccasion.Poweroff => "poweroff",
        LifecycleOccasion.Reboot => "reboot",
        LifecycleOccasion.Crash => "crash",
        _ => throw new ArgumentOutOfRangeException(nameof(occasion), occasion, "unknown lifecycle occasion"),
    };
}
