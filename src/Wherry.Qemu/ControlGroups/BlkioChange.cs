using Wherry.Xml;

namespace Wherry.Qemu.ControlGroups;

/// <summary>One parameter of virsh blkiotune.</summary>
public abstract record BlkioChange
{
    private BlkioChange()
    {
    }

    /// <exception cref="WherryException">InvalidArg: no such text; OperationInvalid: no weights here; SystemError: the kernel refuses.</exception>
    internal abstract void ApplyTo(DomainCgroup cgroup);

    /// <exception cref="WherryException">InvalidArg: no such text.</exception>
    internal abstract DomainDocument ApplyTo(DomainDocument document);

    /// <param name="Value">Among all groups, 1 to 10,000.</param>
    public sealed record Weight(uint Value) : BlkioChange
    {
        internal override void ApplyTo(DomainCgroup cgroup) => cgroup.SetBlkioWeight(Value);

        internal override DomainDocument ApplyTo(DomainDocument document) => document.WithBlkioTuning(Value, document.BlkioDevices);
    }

    /// <param name="Parameter">Such as device_weight.</param>
    /// <param name="Text">See <see cref="BlkioDeviceText"/>.</param>
    public sealed record Devices(string Parameter, string Text) : BlkioChange
    {
        internal override void ApplyTo(DomainCgroup cgroup)
        {
            foreach (var (path, value) in BlkioDeviceText.Read(Parameter, Text))
                cgroup.SetBlkioDevice(path, BlkioDeviceText.LimitOf(Parameter), value);
        }

        internal override DomainDocument ApplyTo(DomainDocument document) =>
            document.WithBlkioTuning(document.BlkioWeight, BlkioDeviceText.Merge(document.BlkioDevices, Parameter, Text));
    }
}
