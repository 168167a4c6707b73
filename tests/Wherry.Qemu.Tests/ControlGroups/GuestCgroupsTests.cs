using Wherry.Errors;
using Wherry.Qemu.ControlGroups;
using Wherry.Testing;
using Wherry.Testing.ControlGroups;

namespace Wherry.Qemu.Tests.ControlGroups;

public sealed class GuestCgroupsTests
{
    private const int Pid = 4711;
    private const string Group = "machine/qemu-7-web.libvirt-qemu";

    private readonly FakeCgroupFiles _files = new();
    private readonly ManualTimeProvider _clock = new();
    private readonly ListLogger _log = new();

    [Fact]
    public void A_guests_group_is_made_where_libvirt_makes_it_with_the_controllers_that_tuning_needs()
    {
        var group = Groups().Create(7, "web", "/machine");
        Assert.NotNull(group);
        Assert.Equal($"/sys/fs/cgroup/{Group}", group.Path);
        Assert.Equal(CgroupControllers.All, group.Controllers);
        Assert.Equal(
            [
                "mkdir machine",
                "cgroup.subtree_control = +cpu", "cgroup.subtree_control = +cpuset", "cgroup.subtree_control = +memory", "cgroup.subtree_control = +io",
                $"mkdir {Group}",
                "machine/cgroup.subtree_control = +cpu", "machine/cgroup.subtree_control = +cpuset", "machine/cgroup.subtree_control = +memory",
                "machine/cgroup.subtree_control = +io",
            ],
            _files.Done);
    }

    [Fact]
    public void A_group_has_only_what_the_kernel_gives_and_the_administrator_allows()
    {
        _files.Unavailable.Add("io");
        var group = Groups(CgroupControllers.Cpu | CgroupControllers.Io | CgroupControllers.CpuAccounting).Create(7, "web", "/machine");
        Assert.Equal(CgroupControllers.Cpu | CgroupControllers.CpuAccounting, group!.Controllers);
        Assert.DoesNotContain(_files.Done, line => line.Contains("memory", StringComparison.Ordinal));
    }

    [Fact]
    public void Without_a_unified_hierarchy_that_shares_out_anything_there_are_no_groups()
    {
        _files["/proc/mounts"] = "cgroup /sys/fs/cgroup/cpu cgroup rw,relatime,cpu 0 0\n";
        Assert.Equal(CgroupControllers.None, Groups().Offered);
        Assert.Null(Groups().Create(7, "web", "/machine"));
        Assert.True(Groups().HasPartitions); // as libvirt shows one there

        // One that only counts huge pages, the others being in hierarchies of their own.
        var files = new FakeCgroupFiles("hugetlb");
        Assert.Null(new GuestCgroups(files, isSystem: true, CgroupControllers.All, "", _clock, _log).Create(7, "web", "/machine"));
        Assert.Empty(files.Done);
    }

    [Fact]
    public void Without_any_hierarchy_no_partition_is_shown()
    {
        _files["/proc/mounts"] = "proc /proc proc rw 0 0\n";
        Assert.False(Groups().HasPartitions);
    }

    [Fact]
    public void In_session_mode_and_without_allowed_controllers_there_are_no_groups()
    {
        var session = new GuestCgroups(_files, isSystem: false, CgroupControllers.All, "", _clock, _log);
        Assert.Null(session.Create(7, "web", "/machine"));
        Assert.False(session.HasPartitions);
        Assert.Null(Groups(CgroupControllers.None).Create(7, "web", "/machine"));
        Assert.Empty(_files.Done);
    }

    [Theory]
    [InlineData(1)] // EPERM
    [InlineData(13)] // EACCES
    [InlineData(30)] // EROFS: a container without cgroups of its own
    public void Where_groups_may_not_be_made_a_guest_does_without(int errno)
    {
        _files.RefuseGroups = errno;
        Assert.Null(Groups().Create(7, "web", "/machine"));
    }

    [Fact]
    public void A_partition_other_than_libvirts_own_must_be_there()
    {
        var error = Assert.Throws<WherryException>(() => Groups().Create(7, "web", "/gold/cpu.first"));
        Assert.Equal("Unable to read from '/sys/fs/cgroup/gold.partition/cgroup.controllers': No such file or directory", error.Message);
        Assert.Equal((ErrorCode.SystemError, ErrorDomain.Cgroup), (error.Code, error.Domain));
        Assert.Equal(
            "unsupported configuration: Resource partition 'gold' must start with '/'",
            Assert.Throws<WherryException>(() => Groups().Create(7, "web", "gold")).Message);

        _files.MakeDirectory("/sys/fs/cgroup/gold.partition");
        Assert.Equal(
            "Failed to create v2 cgroup '/sys/fs/cgroup/gold.partition/_cpu.first/': No such file or directory",
            Assert.Throws<WherryException>(() => Groups().Create(7, "web", "/gold/cpu.first")).Message);
        Assert.Equal("/sys/fs/cgroup/gold.partition/qemu-7-web.libvirt-qemu", Groups().Create(7, "web", "/gold")!.Path);
    }

    [Fact]
    public void What_an_earlier_run_left_goes_first_and_what_is_in_use_is_not_shared()
    {
        var old = Groups().Create(7, "web", "/machine")!;
        old.Make(ThreadGroup.Emulator, new ThreadTuning(Cpus: "0", Nodes: null, default));
        var again = Groups().Create(7, "web", "/machine");
        Assert.NotNull(again);
        Assert.Equal(["machine", Group], _files.Groups);

        again.AddProcess(Pid);
        var error = Assert.Throws<WherryException>(() => Groups().Create(7, "web", "/machine"));
        Assert.Equal($"operation failed: control group '/sys/fs/cgroup/{Group}' of domain 'web' is in use by another process", error.Message);
    }

    [Fact]
    public void A_running_guests_group_is_found_by_where_its_process_is()
    {
        var made = Started();
        var found = Groups().FindOf(Pid, 7, "web");
        Assert.NotNull(found);
        Assert.Equal((made.Path, made.Controllers), (found.Path, found.Controllers));
        Assert.Null(Groups().FindOf(Pid, 8, "web")); // somebody else's layout, or nobody's
        Assert.Null(Groups().FindOf(Pid + 1, 7, "web"));
    }

    [Fact]
    public async Task A_group_is_removed_when_the_last_of_its_processes_is_gone()
    {
        var group = Started();
        var removing = Groups().RemoveAsync(group, "web");
        await _clock.WaitForTimerAsync(TimeSpan.FromMilliseconds(20));
        Assert.False(removing.IsCompleted);
        _files.End(Pid);
        _clock.Advance(TimeSpan.FromMilliseconds(20));
        await removing.Within();
        Assert.Equal(["machine"], _files.Groups);
        Assert.Empty(_log.Lines);
    }

    [Fact]
    public async Task A_group_that_stays_in_use_is_left_and_the_log_says_so()
    {
        var group = Started();
        var removing = Groups().RemoveAsync(group, "web");
        while (!removing.IsCompleted)
        {
            if (_clock.ActiveTimers > 0)
                _clock.Advance(TimeSpan.FromMilliseconds(20));
            await Task.Yield();
        }
        Assert.Equal((3082, $"domain 'web': its control group '/sys/fs/cgroup/{Group}' could not be removed: errno 16"), (_log.Lines[0].Id, _log.Lines[0].Text));
        Assert.Contains(Group, _files.Groups);
    }

    [Fact]
    public async Task The_group_of_a_guest_that_ended_unseen_is_removed_by_its_name()
    {
        Started();
        _files.End(Pid);
        await Groups().RemoveLeftAsync(7, "web", "/machine").Within();
        Assert.Equal(["machine"], _files.Groups);
        await Groups().RemoveLeftAsync(7, "web", "/machine").Within(); // nothing there is as good
        Assert.Empty(_log.Lines);
    }

    [Fact]
    public async Task The_group_of_a_start_that_was_cut_short_is_removed_and_no_other()
    {
        Groups().Create(7, "web-of-many-names", "/machine");
        Groups().Create(70, "web", "/machine");
        Groups().Create(7, "mail", "/machine");
        await Groups().RemoveUnfinishedAsync(7, "web-of-many").Within();
        Assert.Equal(["machine", "machine/qemu-7-mail.libvirt-qemu", "machine/qemu-70-web.libvirt-qemu"], _files.Groups);
        await Groups(CgroupControllers.None).RemoveUnfinishedAsync(7, "mail").Within();
        Assert.Contains("machine/qemu-7-mail.libvirt-qemu", _files.Groups);
    }

    [Theory]
    [InlineData("", "web", "qemu-7-web.libvirt-qemu")]
    [InlineData("0a1b2c3d", "web", "qemu-0a1b2c3d-7-web.libvirt-qemu")]
    [InlineData("", "-.we b_1..x--y.", "qemu-7-web1.x-y.libvirt-qemu")]
    [InlineData("", "wéb/../x", "qemu-7-wb.x.libvirt-qemu")]
    [InlineData("", "0123456789012345678901234567890123456789012345678901234567890", "qemu-7-012345678901234567890123456789012345678901234567890123456.libvirt-qemu")]
    public void A_groups_name_has_only_letters_that_a_machines_name_may_have(string daemon, string domain, string expected) =>
        Assert.Equal(expected, CgroupNames.OfMachine(daemon, 7, domain));

    private GuestCgroups Groups(CgroupControllers allowed = CgroupControllers.All) => new(_files, isSystem: true, allowed, "", _clock, _log);

    private DomainCgroup Started()
    {
        var group = Groups().Create(7, "web", "/machine")!;
        group.Make(ThreadGroup.Emulator, new ThreadTuning(Cpus: null, Nodes: null, default));
        group.AddProcess(Pid);
        group.AddThread(ThreadGroup.Emulator, Pid);
        Assert.Equal($"{Group}/emulator", _files.PlaceOf(Pid));
        return group;
    }
}
