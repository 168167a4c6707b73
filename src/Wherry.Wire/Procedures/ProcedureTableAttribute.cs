namespace Wherry.Wire.Procedures;

/// <summary>
/// Marks a static partial class that lists a program: <c>const uint Program</c> and <c>Version</c>, and a <c>const int</c> for each
/// procedure and event. The generator adds <c>NameOf(int)</c>, for logs.
/// </summary>
[AttributeUsage(AttributeTargets.Class)]
public sealed class ProcedureTableAttribute : Attribute;
