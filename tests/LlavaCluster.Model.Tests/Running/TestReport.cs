using System.Diagnostics;
using Xunit.Abstractions;

namespace LlavaCluster.Model.Tests.Running;

/// <summary>Counts results as they come; tells failures at once and, every few seconds, how far it is.</summary>
/// <param name="output">Where to.</param>
/// <param name="total">Tests that will run; a theory may count once for many of its rows.</param>
internal sealed class TestReport(TextWriter output, int total) : Xunit.LongLivedMarshalByRefObject, IMessageSink
{
    private const double SecondsBetween = 10;

    private readonly Lock _gate = new();
    private long _said = Stopwatch.GetTimestamp();

    public int Passed { get; private set; }

    /// <summary>Failed tests, and errors of the framework and of what tests clean up.</summary>
    public int Failed { get; private set; }

    public int Skipped { get; private set; }

    /// <summary>Is set behind the last message.</summary>
    public ManualResetEvent Ended { get; } = new(false);

    public bool OnMessage(IMessageSinkMessage message)
    {
        lock (_gate)
        {
            switch (message)
            {
                case ITestPassed:
                    Passed++;
                    break;
                case ITestSkipped:
                    Skipped++;
                    break;
                case ITestFailed failed:
                    Fail(failed.Test.DisplayName, failed, failed.Output);
                    break;
                case ITestAssemblyFinished:
                    Ended.Set();
                    break;
                case IFailureInformation error:
                    Fail($"outside a test ({message.GetType().Name})", error, "");
                    break;
            }

            if (Stopwatch.GetElapsedTime(_said).TotalSeconds >= SecondsBetween)
            {
                _said = Stopwatch.GetTimestamp();
                output.WriteLine($"  {Passed + Failed + Skipped} of {total} tests, {Failed} failed");
            }
        }

        return true;
    }

    private void Fail(string name, IFailureInformation failure, string said)
    {
        Failed++;
        output.WriteLine($"FAILED {name}");
        output.WriteLine("  " + string.Join("\n  ", string.Join('\n', failure.Messages).Split('\n')));
        output.WriteLine("  " + string.Join("\n  ", string.Join('\n', failure.StackTraces).Split('\n').Take(12)));
        if (said.Length > 0)
        {
            output.WriteLine("  output: " + said.TrimEnd().ReplaceLineEndings("\n  "));
        }
    }
}
