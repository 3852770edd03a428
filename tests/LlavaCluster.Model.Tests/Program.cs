using LlavaCluster.Model.Tests.Collectives;
using LlavaCluster.Model.Tests.Running;

namespace LlavaCluster.Model.Tests;

/// <summary>
/// What this assembly does as a program. <c>test [part of a name]… [-part of a name]…</c>: it runs its own tests, where there is no SDK. Else it is one rank
/// of a replica, for tests with ranks in separate processes.
/// </summary>
internal static class Program
{
    public static Task<int> Main(string[] args) => args is ["test", .. var parts] ? Task.FromResult(TestRun.Run(parts)) : RankProgram.RunAsync(args);
}
