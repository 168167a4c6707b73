using System.Net;
using System.Net.Sockets;
using Wherry.Errors;
using Wherry.Qemu.Launch;

namespace Wherry.Qemu.Tests.Launch;

public sealed class PortAllocatorTests
{
    // Far from the ranges that daemons and other tests use, and below the kernel's range for outgoing connections.
    private const int First = 27310;

    [Fact]
    public void A_reserved_port_is_not_given_out_again_until_it_is_released()
    {
        var ports = new PortAllocator("test", First, First + 9);
        using var first = ports.Acquire();
        var second = ports.Acquire();
        Assert.NotEqual(first.Port, second.Port);
        second.Dispose();
        using var third = ports.Acquire();
        Assert.Equal(second.Port, third.Port);
    }

    [Fact]
    public void Two_allocators_never_give_out_the_same_port()
    {
        using var ours = new PortAllocator("test", First + 10, First + 19).Acquire();
        using var theirs = new PortAllocator("test", First + 10, First + 19).Acquire();
        Assert.NotEqual(ours.Port, theirs.Port);
    }

    [Theory]
    [InlineData("0.0.0.0", 20)]
    [InlineData("127.0.0.1", 30)]
    [InlineData("::1", 40)]
    public void A_port_that_somebody_listens_on_is_skipped(string address, int offset)
    {
        using var listener = Listen(IPAddress.Parse(address), First + offset);
        using var reservation = new PortAllocator("test", First + offset, First + offset + 9).Acquire();
        Assert.True(reservation.Port > First + offset);
    }

    [Fact]
    public void An_exhausted_range_is_named_in_the_error()
    {
        var ports = new PortAllocator("test", First + 50, First + 51);
        using var first = ports.Acquire();
        using var second = ports.Acquire();
        var error = Assert.Throws<WherryException>(() => ports.Acquire());
        Assert.Equal(ErrorCode.InternalError, error.Code);
        Assert.Equal("internal error: Unable to find an unused port in range 'test' (27360-27361)", error.Message);
    }

    [Fact]
    public void A_chosen_port_in_use_is_refused_by_its_number()
    {
        using var listener = Listen(IPAddress.Any, First + 60);
        var error = Assert.Throws<WherryException>(() => PortAllocator.Acquire(First + 60));
        Assert.Equal("internal error: Failed to reserve port 27370", error.Message);
    }

    private static Socket Listen(IPAddress address, int port)
    {
        var socket = new Socket(address.AddressFamily, SocketType.Stream, ProtocolType.Tcp);
        socket.Bind(new IPEndPoint(address, port));
        socket.Listen();
        return socket;
    }
}
