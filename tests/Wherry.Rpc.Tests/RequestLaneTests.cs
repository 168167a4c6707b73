namespace Wherry.Rpc.Tests;

public class RequestLaneTests
{
    [Fact]
    public void Requests_start_in_the_order_in_which_they_came_and_never_more_than_allowed_at_a_time()
    {
        for (var seed = 0; seed < 300; seed++)
        {
            var random = new Random(seed);
            var max = random.Next(1, 6);
            var lane = new RequestLane<int>(max, maxWaiting: 8, maxWaitingBytes: 1000);
            var (entered, started, ended) = (0, 0, 0);
            for (var step = 0; step < 200; step++)
            {
                if (random.Next(2) == 0 && lane.HasRoom)
                {
                    if (lane.Enter(entered, bytes: random.Next(300))) Assert.Equal(entered, started++);
                    entered++;
                }
                else if (ended < started)
                {
                    ended++;
                    if (lane.Leave(out var next)) Assert.Equal(next, started++);
                }

                Assert.Equal(started - ended, lane.InProgress);
                Assert.InRange(lane.InProgress, 0, max);
                Assert.True(started == entered || lane.InProgress == max, $"seed {seed}: a place is free and somebody waits");
            }
        }
    }

    [Theory]
    [InlineData(3, int.MaxValue, 3)]
    [InlineData(int.MaxValue, 25, 3)]
    public void Room_ends_at_the_number_or_the_bytes_that_wait(int maxWaiting, int maxWaitingBytes, int expected)
    {
        var lane = new RequestLane<int>(maxInProgress: 1, maxWaiting, maxWaitingBytes);
        lane.Enter(0, bytes: 1_000_000);
        var waiting = 0;
        while (lane.HasRoom)
        {
            lane.Enter(1, bytes: 10);
            waiting++;
        }

        Assert.Equal(expected, waiting);
        lane.Leave(out _);
        Assert.True(lane.HasRoom);
    }

    [Fact]
    public void What_is_cleared_never_starts()
    {
        var lane = new RequestLane<int>(maxInProgress: 1, maxWaiting: 8, maxWaitingBytes: 1000);
        for (var i = 0; i < 4; i++) lane.Enter(i, bytes: 10);
        Assert.Equal([1, 2, 3], lane.Clear());
        Assert.False(lane.Leave(out _));
        Assert.Equal(0, lane.InProgress);
    }
}
