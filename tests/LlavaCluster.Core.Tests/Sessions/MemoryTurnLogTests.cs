using LlavaCluster.Core.Sessions;
using LlavaCluster.Tests.Sessions;

namespace LlavaCluster.Core.Tests.Sessions;

public sealed class MemoryTurnLogTests : TurnLogContract
{
    private readonly MemoryTurnLog _log;

    public MemoryTurnLogTests() => _log = new MemoryTurnLog(Time);

    protected override ITurnLog Open() => _log;
}
