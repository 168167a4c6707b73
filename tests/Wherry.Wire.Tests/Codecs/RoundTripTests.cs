using FsCheck;
using FsCheck.Fluent;
using Wherry.Wire.Xdr;

namespace Wherry.Wire.Tests.Codecs;

/// <summary>What holds for every struct of every program, whatever its values are.</summary>
public sealed class RoundTripTests
{
    // A failure prints the seed, and Config.WithReplay takes it.
    private static readonly Config Config = Config.QuickThrowOnFailure.WithMaxTest(20).WithQuietOnSuccess(true);

    public static TheoryData<string> Names { get; } = [.. WireStructs.All.Select(type => type.Name)];

    [Theory]
    [MemberData(nameof(Names))]
    public void Decoding_gives_back_what_was_encoded(string name) => ForSomeValues(name, (type, value, bytes) =>
        RandomValues.Describe(WireStructs.Decode(type, bytes)) == RandomValues.Describe(value));

    [Theory]
    [MemberData(nameof(Names))]
    public void Every_length_is_a_multiple_of_four(string name) => ForSomeValues(name, (_, _, bytes) => bytes.Length % 4 == 0);

    [Theory]
    [MemberData(nameof(Names))]
    public void A_truncated_message_is_refused(string name) => ForSomeValues(name, (type, _, bytes) =>
        Enumerable.Range(0, bytes.Length / 4).All(words => IsRefused(type, bytes[..(words * 4)])));

    [Theory]
    [MemberData(nameof(Names))]
    public void A_message_with_more_behind_it_is_refused(string name) =>
        ForSomeValues(name, (type, _, bytes) => IsRefused(type, [.. bytes, 0, 0, 0, 0]));

    [Theory]
    [MemberData(nameof(Names))]
    public void Any_broken_word_is_refused_or_read_but_nothing_else(string name) => ForSomeValues(name, (type, _, bytes) =>
    {
        for (var word = 0; word < bytes.Length; word += 4)
        {
            var broken = (byte[])bytes.Clone();
            broken.AsSpan(word, 4).Fill(0xff);
            _ = IsRefused(type, broken);
        }

        return true;
    });

    private static void ForSomeValues(string name, Func<Type, object, byte[], bool> holds)
    {
        var type = WireStructs.Named(name);
        Prop.ForAll<int>(seed =>
        {
            var value = new RandomValues(new Random(seed)).Struct(type);
            return holds(type, value, WireStructs.Encode(value));
        }).Check(Config);
    }

    private static bool IsRefused(Type type, byte[] bytes)
    {
        try
        {
            WireStructs.Decode(type, bytes);
            return false;
        }
        catch (XdrException)
        {
            return true;
        }
    }
}
