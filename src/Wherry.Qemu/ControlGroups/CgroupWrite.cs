namespace Wherry.Qemu.ControlGroups;

/// <summary>One value of one group.</summary>
/// <param name="File">Name in the group's directory, such as <c>memory.max</c>.</param>
public readonly record struct CgroupWrite(string File, string Value);
