namespace Wherry.Wire.Generator;

/// <summary>The types of other projects that the generated code and the generator know by name.</summary>
internal static class KnownNames
{
    public const string XdrStruct = "Wherry.Wire.Xdr.XdrStructAttribute";
    public const string XdrMax = "Wherry.Wire.Xdr.XdrMaxAttribute";
    public const string XdrChars = "Wherry.Wire.Xdr.XdrCharsAttribute";
    public const string XdrInterface = "Wherry.Wire.Xdr.IXdr<TSelf>";
    public const string ProcedureTable = "Wherry.Wire.Procedures.ProcedureTableAttribute";
    public const string Traits = "Wherry.Wire.Procedures.TraitsAttribute";
    public const string RpcProgram = "Wherry.Wire.Procedures.RpcProgramAttribute";
    public const string Procedure = "Wherry.Wire.Procedures.ProcedureAttribute";
    public const string ServerCall = "Wherry.Rpc.ServerCall";
}
