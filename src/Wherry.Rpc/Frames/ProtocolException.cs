namespace Wherry.Rpc.Frames;

/// <summary>The peer broke the framing: nothing after it can be understood, so the connection ends. The message becomes its reason.</summary>
internal sealed class ProtocolException(string message, Exception? inner = null) : Exception(message, inner);
