using System.Collections.Immutable;
using Wherry.Errors;
using Wherry.Qemu.Domains;
using Wherry.Qemu.Host;
using Wherry.Xml;

namespace Wherry.Daemon.Handlers;

/// <summary>What <c>virsh capabilities</c> shows. The host is read anew for each call, because CPUs and huge pages come and go; only the
/// probe of the emulator is remembered.</summary>
internal sealed class CapabilitiesDocument(HostFiles files, EmulatorCatalog emulators, Guid hostUuid, uint uid, uint gid)
{
    /// <summary>A property of the hardware: asked once.</summary>
    private readonly Lazy<TscCounter?> _tsc = new(TscCounter.TryRead);

    public async Task<string> GetXmlAsync(CancellationToken ct)
    {
        var host = HostCapabilities.Read(files, HostCpu.Read(files), hostUuid, uid, gid);
        var cpu = host.Cpu;
        return CapabilitiesXml.Write(new CapabilitiesSpec
        {
            HostUuid = host.Uuid,
            Cpu = new CapabilitiesCpu(
                cpu.Arch,
                cpu.Model,
                cpu.Vendor,
                cpu.Microcode,
                cpu.Family,
                cpu.ModelNumber,
                cpu.Stepping,
                new CpuTopologySpec((int)cpu.Sockets, (int)cpu.Dies, (int)cpu.Cores, (int)cpu.Threads),
                cpu.PhysicalAddressBits,
                cpu.Features,
                host.PageSizesKiB)
            {
                // The kernel's word for a counter whose frequency is worth telling.
                TscFrequency = cpu.Features.Contains("invtsc") ? _tsc.Value?.FrequencyHz : null,
                TscScaling = cpu.Features.Contains("invtsc") && _tsc.Value is { CanScale: true },
            },
            HasIommu = host.HasIommu,
            MigrationTransports = host.MigrationTransports,
            Cells = [.. host.Cells.Select(cell => new CapabilitiesCell(
                cell.Id,
                cell.MemoryKiB,
                [.. cell.Pages.Select(pool => (pool.SizeKiB, pool.Total))],
                [.. cell.Distances.Select(distance => (distance.CellId, distance.Value))],
                [.. cell.Cpus.Select(thread => new CapabilitiesHostCpu(
                    thread.Id, thread.SocketId, thread.DieId, thread.CoreId, thread.Siblings.ToString()))]))],
            Caches = [.. host.Caches.Select(bank => new CapabilitiesCache(bank.Id, bank.Level, bank.Type, bank.SizeBytes, bank.Cpus.ToString()))],
            SecurityModels = [.. host.SecurityModels.Select(model => new CapabilitiesSecurityModel(model.Model, model.Doi, model.BaseLabels))],
            Guests =
            [
                .. await GuestAsync("i686", 32, EmulatorCatalog.DefaultPathForI686, ct),
                .. await GuestAsync("x86_64", 64, EmulatorCatalog.DefaultPath, ct),
            ],
        });
    }

    /// <summary>None when there is no such emulator, or it does not answer as one: the others are listed all the same.</summary>
    private async Task<CapabilitiesGuest[]> GuestAsync(string arch, int wordSize, string? path, CancellationToken ct)
    {
        if (path is null)
            return [];
        try
        {
            var emulator = await emulators.GetAsync(path, ct);
            return [new CapabilitiesGuest(arch, wordSize, path, Machines(emulator), File.Exists("/dev/kvm") ? ["qemu", "kvm"] : ["qemu"])];
        }
        catch (WherryException)
        {
            return [];
        }
    }

    /// <summary>The machine that definitions get by default comes first; the rest as QEMU lists them.</summary>
    private static ImmutableArray<CapabilitiesMachine> Machines(Emulator emulator) =>
    [
        .. emulator.Capabilities.Machines.Where(machine => machine.Name != "none")
            .OrderBy(machine => machine.Name == emulator.Catalog.DefaultMachine ? 0 : 1)
            .SelectMany(machine => (CapabilitiesMachine[])
            [
                new(machine.Name, null, machine.CpuMax, machine.Deprecated),
                .. machine.Alias is { } alias ? (CapabilitiesMachine[])[new(alias, machine.Name, machine.CpuMax, machine.Deprecated)] : [],
            ]),
    ];
}
