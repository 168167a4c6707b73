namespace Wherry.Qmp;

/// <summary>Where a <see cref="MonitorSession"/> is in its life. It only moves forward.</summary>
public enum MonitorState
{
    /// <summary>The socket is not connected yet.</summary>
    Connecting,

    /// <summary>Connected; QEMU has not sent its greeting.</summary>
    Greeting,

    /// <summary>Greeted; <c>qmp_capabilities</c> is unanswered and QEMU refuses every other command.</summary>
    Capabilities,

    /// <summary>Commands and events flow.</summary>
    Running,

    /// <summary>The connection has ended; <see cref="MonitorSession.Closed"/> has the cause.</summary>
    Closed,
}
