using System.Net.Sockets;
using System.Runtime.InteropServices;

namespace Wherry.Qmp.Wire;

/// <summary>Sends bytes together with a file descriptor (SCM_RIGHTS), which .NET's sockets cannot.</summary>
internal static unsafe partial class DescriptorPassing
{
    private const int SolSocket = 1;
    private const int ScmRights = 1;
    private const int MsgNoSignal = 0x4000;
    private const int Eagain = 11;
    private const int Eintr = 4;

    /// <summary>
    /// Sends <paramref name="bytes"/> with <paramref name="descriptor"/> attached to the first of them. Returns how many bytes were taken;
    /// 0 when the socket's buffer is full, and then the descriptor has not been sent either.
    /// </summary>
    /// <exception cref="IOException">The peer has closed, or another error of sendmsg(2).</exception>
    public static int Send(Socket socket, ReadOnlySpan<byte> bytes, SafeHandle descriptor)
    {
        var held = false;
        try
        {
            descriptor.DangerousAddRef(ref held);
            return Send((int)socket.Handle, bytes, (int)descriptor.DangerousGetHandle());
        }
        finally
        {
            if (held)
            {
                descriptor.DangerousRelease();
            }
        }
    }

    private static int Send(int socket, ReadOnlySpan<byte> bytes, int descriptor)
    {
        fixed (byte* start = bytes)
        {
            var vector = new IoVector { Base = start, Length = (nuint)bytes.Length };
            var control = new ControlMessage { Length = 20, Level = SolSocket, Type = ScmRights, Descriptor = descriptor };
            var message = new MessageHeader
            {
                Vectors = &vector,
                VectorCount = 1,
                Control = &control,
                ControlLength = (nuint)sizeof(ControlMessage),
            };
            while (true)
            {
                var sent = sendmsg(socket, &message, MsgNoSignal);
                var error = sent < 0 ? Marshal.GetLastPInvokeError() : 0;
                switch (error)
                {
                    case 0:
                        return (int)sent;
                    case Eintr:
                        continue;
                    case Eagain:
                        return 0;
                    default:
                        throw new IOException($"sendmsg: {Marshal.GetPInvokeErrorMessage(error)}");
                }
            }
        }
    }

    [LibraryImport("libc", SetLastError = true)]
    private static partial nint sendmsg(int socket, MessageHeader* message, int flags);

    // struct iovec, msghdr and cmsghdr of 64-bit Linux (x86-64 and arm64 alike).
    private struct IoVector
    {
        public byte* Base;
        public nuint Length;
    }

    private struct MessageHeader
    {
        public void* Name;
        public uint NameLength;
        public IoVector* Vectors;
        public nuint VectorCount;
        public void* Control;
        public nuint ControlLength;
        public int Flags;
    }

    [StructLayout(LayoutKind.Sequential, Size = 24)]
    private struct ControlMessage
    {
        public nuint Length; // header and data, without the padding behind: 16 + 4
        public int Level;
        public int Type;
        public int Descriptor;
    }
}
