using System.Runtime.CompilerServices;

// The honesty test compares every declared command with the schema of a real QEMU.
[assembly: InternalsVisibleTo("Wherry.Qmp.Tests")]
