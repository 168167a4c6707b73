using Wherry.Qemu.Domains;
using Wherry.Qemu.Host;
using Wherry.Xml;

namespace Wherry.Daemon.Handlers;

/// <summary>What <c>virsh capabilities</c> shows. The host is read anew for each call, because CPUs and huge pages come and go; only the
/// probe of the emulator is remembered.</summary>
internal sealed class CapabilitiesDocument(HostFiles files, EmulatorCatalog emulators, Guid hostUuid, uint uid, uint gid)
{
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
                host.PageSizesKiB),
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
            Guests = EmulatorCatalog.DefaultPath is { } path ? [Guest(await emulators.GetAsync(path, ct))] : [],
        });
    }

    private static CapabilitiesGuest Guest(Emulator emulator) => new(
        emulator.Catalog.Arch,
        WordSize: 64,
        emulator.Path,
        [.. emulator.Capabilities.Machines.Where(machine => machine.Name != "none").SelectMany(machine => (CapabilitiesMachine[])
        [
            new(machine.Name, null, machine.CpuMax, machine.Deprecated),
            .. machine.Alias is { } alias ? (CapabilitiesMachine[])[new(alias, machine.Name, machine.CpuMax, machine.Deprecated)] : [],
        ])],
        File.Exists("/dev/kvm") ? ["qemu", "kvm"] : ["qemu"]);
}
