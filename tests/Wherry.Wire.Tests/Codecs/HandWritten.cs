using Wherry.Wire.Frames;
using Wherry.Wire.Remote;
using Wherry.Wire.Xdr;

namespace Wherry.Wire.Tests.Codecs;

/// <summary>
/// The codecs as they were first written, by hand, against the protocol: what the generator has to reproduce byte for byte. They use
/// no field of the generated code and spell every word out.
/// </summary>
internal static class HandWritten
{
    public static void Write(XdrWriter w, NonnullDomain domain)
    {
        w.WriteString(domain.Name, 4194304);
        w.WriteUuid(domain.Uuid);
        w.WriteInt(domain.Id);
    }

    public static void Write(XdrWriter w, RemoteError error)
    {
        w.WriteInt((int)error.Code);
        w.WriteInt((int)error.Domain);
        Optional(w, error.Message);
        w.WriteInt((int)error.Level);
        w.WriteUInt(error.Dom is null ? 0u : 1u);
        if (error.Dom is { } domain)
            Write(w, domain);
        Optional(w, error.Str1);
        Optional(w, error.Str2);
        Optional(w, error.Str3);
        w.WriteInt(error.Int1);
        w.WriteInt(error.Int2);
        w.WriteUInt(error.Net is null ? 0u : 1u);
        if (error.Net is { } network)
        {
            w.WriteString(network.Name, 4194304);
            w.WriteUuid(network.Uuid);
        }
    }

    public static void Write(XdrWriter w, ConnectOpenArgs args)
    {
        Optional(w, args.Name);
        w.WriteUInt(args.Flags);
    }

    public static void Write(XdrWriter w, ConnectListAllDomainsRet ret)
    {
        w.WriteInt(ret.Domains.Length);
        foreach (var domain in ret.Domains)
            Write(w, domain);
        w.WriteUInt(ret.Ret);
    }

    public static void Write(XdrWriter w, DomainGetInfoRet ret)
    {
        w.WriteUInt(ret.State);
        w.WriteUHyper(ret.MaxMem);
        w.WriteUHyper(ret.Memory);
        w.WriteUInt(ret.NrVirtCpu);
        w.WriteUHyper(ret.CpuTime);
    }

    public static void Write(XdrWriter w, NodeGetInfoRet ret)
    {
        for (var i = 0; i < 32; i++)
            w.WriteInt(i < ret.Model.Length ? ret.Model[i] : 0);
        w.WriteUHyper(ret.Memory);
        w.WriteInt(ret.Cpus);
        w.WriteInt(ret.Mhz);
        w.WriteInt(ret.Nodes);
        w.WriteInt(ret.Sockets);
        w.WriteInt(ret.Cores);
        w.WriteInt(ret.Threads);
    }

    public static void Write(XdrWriter w, NodeGetSecurityModelRet ret)
    {
        foreach (var text in new[] { ret.Model, ret.Doi })
        {
            w.WriteInt(text.Length + 1);
            foreach (var character in text)
                w.WriteInt(character);
            w.WriteInt(0);
        }
    }

    public static void Write(XdrWriter w, AuthListRet ret)
    {
        w.WriteInt(ret.Types.Length);
        foreach (var type in ret.Types)
            w.WriteInt((int)type);
    }

    public static void Write(XdrWriter w, DomainMigratePrepare3ParamsArgs args)
    {
        w.WriteInt(args.Params.Length);
        foreach (var parameter in args.Params)
        {
            w.WriteString(parameter.Field, 4194304);
            w.WriteInt((int)parameter.Value.Type);
            if (parameter.Value.AsString is { } text)
                w.WriteString(text, 4194304);
            else
                w.WriteUHyper(parameter.Value.AsULLong!.Value);
        }

        w.WriteInt(args.CookieIn.Length);
        w.WriteFixedOpaque(args.CookieIn.AsSpan());
        w.WriteUInt(args.Flags);
    }

    private static void Optional(XdrWriter w, string? text)
    {
        w.WriteUInt(text is null ? 0u : 1u);
        if (text is not null)
            w.WriteString(text, 4194304);
    }
}
