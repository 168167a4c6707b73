namespace Wherry.Errors;

/// <summary>How bad an error is, with libvirt's numbers (<c>virErrorLevel</c>).</summary>
public enum ErrorLevel
{
    None = 0,
    Warning = 1,
    Error = 2,
}
