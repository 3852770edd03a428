using System.CommandLine;
using LlavaCluster.Benchmarks.Cluster;
using LlavaCluster.Benchmarks.Collectives;
using LlavaCluster.Benchmarks.Kernels;
using LlavaCluster.Benchmarks.Moving;
using LlavaCluster.Benchmarks.Preprocessing;
using LlavaCluster.Benchmarks.Running;
using LlavaCluster.Benchmarks.Scheduling;
using LlavaCluster.Benchmarks.Table;
using LlavaCluster.Benchmarks.Tiering;
using LlavaCluster.Benchmarks.Weights;

// One command per benchmark: dotnet run -c Release --project tests/LlavaCluster.Benchmarks -- <command>
var root = new RootCommand("Benchmarks of LlavaCluster. Run them in Release on a machine that does nothing else.")
{
    KernelBenchmark.Command(),
    WeightsBenchmark.Command(),
    PreprocessBenchmark.Command(),
    CollectivesBenchmark.Command(),
    RunnerBenchmark.Command(),
    SchedulerBenchmark.Command(),
    TierBenchmark.Command(),
    MoveBenchmark.Command(),
    TableBenchmark.Command(),
    ClusterBenchmark.Command(),
};
return await root.Parse(args).InvokeAsync();
