using System.Collections.Immutable;
using System.Text.Json;
using Wherry.Errors;
using Wherry.Qemu.Cpus;
using Wherry.Qmp.Capabilities;
using Wherry.Qmp.Commands;
using Wherry.Xml;

namespace Wherry.Qemu.Tests.Cpus;

/// <summary>A host that can do what Nehalem can, without POPCNT, and AES besides; QEMU there has three models.</summary>
public sealed class GuestCpuTests
{
    private static readonly HypervisorCpus Host = MakeHost();

    [Fact]
    public void Host_model_becomes_the_nearest_model_and_what_can_be_migrated_beyond_it()
    {
        var cpu = Resolve("<cpu mode='host-model' check='partial'/>");
        Assert.Equal((CpuMode.Custom, "exact", "Nehalem", "Intel", "forbid"), (cpu.Mode, cpu.Match, cpu.Model, cpu.Vendor, cpu.Fallback));
        Assert.Equal([Require("aes"), Disable("popcnt")], cpu.Features);
    }

    [Fact]
    public void What_a_definition_says_beside_host_model_counts()
    {
        var cpu = Resolve("<cpu mode='host-model'><feature policy='disable' name='aes'/><feature policy='optional' name='avx'/></cpu>");
        Assert.Equal([Disable("aes"), Disable("popcnt"), Disable("avx")], cpu.Features);
    }

    [Fact]
    public void A_guest_that_comes_from_an_old_libvirt_keeps_the_model_that_it_runs_with()
    {
        var spec = Domain("<cpu mode='host-model'><model>qemu64</model></cpu>");
        Assert.Equal("qemu64", GuestCpu.Resolve(spec, Host, incoming: true).Model);
        Assert.Equal("Nehalem", GuestCpu.Resolve(spec, Host, incoming: false).Model);
    }

    [Fact]
    public void A_model_that_QEMU_does_not_have_is_said_in_the_words_of_one_that_it_has()
    {
        var cpu = Resolve("<cpu mode='custom' match='exact'><model fallback='allow'>cpu64-rhel6</model></cpu>");
        Assert.Equal("kvm64", cpu.Model);
        Assert.Equal([Require("lahf_lm")], cpu.Features);
    }

    [Theory]
    [InlineData("<cpu check='partial'><model>Nehalem</model></cpu>", ErrorCode.CpuIncompatible, "Host CPU does not provide required features: popcnt")]
    [InlineData("<cpu check='partial'><model>qemu64</model><vendor>AMD</vendor></cpu>", ErrorCode.CpuIncompatible, "host CPU vendor does not match required CPU vendor AMD")]
    [InlineData("<cpu check='full'><model>kvm64</model><feature policy='forbid' name='aes'/></cpu>", ErrorCode.CpuIncompatible, "Host CPU provides forbidden feature 'aes'")]
    [InlineData("<cpu check='none'><model fallback='forbid'>Haswell</model></cpu>", ErrorCode.ConfigUnsupported, "CPU model Haswell is not supported by hypervisor")]
    [InlineData("<cpu check='none'><model>Nonesuch</model></cpu>", ErrorCode.InternalError, "Unknown CPU model Nonesuch")]
    [InlineData("<cpu mode='host-passthrough'/>", ErrorCode.ConfigUnsupported, "CPU mode 'host-passthrough' for x86_64 qemu domain on x86_64 host is not supported by hypervisor")]
    public void What_the_host_cannot_provide_is_refused_before_QEMU_is_started(string cpu, ErrorCode code, string detail)
    {
        var error = Assert.Throws<WherryException>(() => Resolve(cpu));
        Assert.Equal((code, detail), (error.Code, error.Detail));
    }

    [Fact]
    public void The_built_CPU_lists_what_QEMU_added_and_left_out_in_libvirts_order()
    {
        var started = Resolve("<cpu check='none'><model>kvm64</model><feature name='avx'/></cpu>");
        var built = GuestCpu.AsBuilt(started, Features(CpuModels.Find("kvm64")!.Features, add: ["lahf_lm", "hypervisor"], remove: ["de"]), Set("avx"));
        Assert.Equal("full", built.Check);
        Assert.Equal([Disable("avx"), Disable("de"), Require("hypervisor"), Require("lahf_lm")], built.Features);
    }

    [Fact]
    public void A_CPU_that_has_to_be_exact_and_is_not_is_refused_with_all_differences()
    {
        var started = Resolve("<cpu check='full'><model>kvm64</model></cpu>");
        var exact = Features(CpuModels.Find("kvm64")!.Features);
        Assert.Equal(started with { }, GuestCpu.AsBuilt(started, exact, Set()) with { Features = started.Features });
        var error = Assert.Throws<WherryException>(
            () => GuestCpu.AsBuilt(started, Features(exact, add: ["lahf_lm", "hypervisor"], remove: ["sse", "de"]), Set("de")));
        Assert.Equal(ErrorCode.OperationFailed, error.Code);
        Assert.Equal("guest CPU doesn't match specification: extra features: hypervisor,lahf_lm, missing features: de,sse", error.Detail);
    }

    private static CpuSpec Resolve(string cpu) => GuestCpu.Resolve(Domain(cpu), Host, incoming: false);

    private static DomainSpec Domain(string cpu) => DomainSpec.From(DomainDocument.Parse(
        $"<domain type='qemu'><name>guest</name><uuid>{Guid.Empty}</uuid><memory>1</memory><os><type arch='x86_64'>hvm</type></os>{cpu}</domain>"));

    private static HypervisorCpus MakeHost()
    {
        var features = Features(CpuModels.Find("Nehalem")!.Features, add: ["aes"], remove: ["popcnt"]);
        var props = features.ToImmutableDictionary(CpuFeatures.ToQemu, _ => JsonElement.Parse("true"))
            .AddRange(((string[])["popcnt", "avx", "invtsc", "x-not-a-feature"]).Select(name => KeyValuePair.Create(name, JsonElement.Parse("false"))))
            .Add("vendor", JsonElement.Parse("\"GenuineIntel\"")).Add("family", JsonElement.Parse("6")).Add("model", JsonElement.Parse("26"));
        return new HypervisorCpus(new CpuProbe(
            [Model("qemu64"), Model("kvm64"), Model("Nehalem", "popcnt")],
            new CpuModelInfo("base", props),
            new CpuModelInfo("base", props.SetItem("invtsc", JsonElement.Parse("true")))));
    }

    private static CpuDefinitionInfo Model(string name, params ImmutableArray<string> unavailable) => new(name, true, false, unavailable, name, null, false);

    private static HashSet<string> Set(params string[] names) => new(names, StringComparer.Ordinal);

    private static HashSet<string> Features(IEnumerable<string> from, string[]? add = null, string[]? remove = null) =>
        from.Concat(add ?? []).Except(remove ?? [], StringComparer.Ordinal).ToHashSet(StringComparer.Ordinal);

    private static CpuFeatureSpec Require(string name) => new(name, CpuFeaturePolicy.Require);

    private static CpuFeatureSpec Disable(string name) => new(name, CpuFeaturePolicy.Disable);
}
