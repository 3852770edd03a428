using System.Diagnostics;
using System.Reflection;
using Xunit.Abstractions;
using Xunit.Sdk;

namespace LlavaCluster.Model.Tests.Running;

/// <summary>Runs the tests of this assembly by xunit's own framework, in this process.</summary>
internal static class TestRun
{
    /// <summary>Finds tests, runs them and says what came of it.</summary>
    /// <param name="parts">
    /// Tests are run whose full name has one of these in it; none: all. One that begins with '-' takes out those that have the rest.
    /// </param>
    /// <returns>0: all passed; 1: some failed; 2: there was none to run.</returns>
    public static int Run(IReadOnlyList<string> parts)
    {
        using var framework = new XunitTestFramework(new Quiet());
        var assembly = Assembly.GetExecutingAssembly();
        var found = new Discovery();
        framework.GetDiscoverer(Reflector.Wrap(assembly)).Find(false, found, new RunOptions());
        found.Ended.WaitOne();
        var (without, with) = (parts.Where(part => part.StartsWith('-')).ToArray(), parts.Where(part => !part.StartsWith('-')).ToArray());
        var cases = found.Cases.Where(test => (with.Length == 0 || with.Any(part => Has(test, part)))
            && !without.Any(part => Has(test, part[1..]))).ToArray();
        if (cases.Length == 0)
        {
            Console.Error.WriteLine($"None of {found.Cases.Count} tests has {string.Join(" or ", parts)} in its name.");
            return 2;
        }

        var result = new TestReport(Console.Out, cases.Length);
        var start = Stopwatch.GetTimestamp();
        using var executor = framework.GetExecutor(assembly.GetName());
        executor.RunTests(cases, result, new RunOptions());
        result.Ended.WaitOne();
        Console.WriteLine($"{result.Passed} passed, {result.Failed} failed, {result.Skipped} skipped in {Stopwatch.GetElapsedTime(start).TotalSeconds:f0} s");
        return result.Failed > 0 ? 1 : result.Passed == 0 ? 2 : 0;
    }

    private static bool Has(ITestCase test, string part) => test.DisplayName.Contains(part, StringComparison.OrdinalIgnoreCase);

    /// <summary>Hears of every test there is.</summary>
    private sealed class Discovery : Xunit.LongLivedMarshalByRefObject, IMessageSink
    {
        public List<ITestCase> Cases { get; } = [];

        public ManualResetEvent Ended { get; } = new(false);

        public bool OnMessage(IMessageSinkMessage message)
        {
            if (message is ITestCaseDiscoveryMessage discovered)
            {
                Cases.Add(discovered.TestCase);
            }
            else if (message is IDiscoveryCompleteMessage)
            {
                Ended.Set();
            }

            return true;
        }
    }

    /// <summary>Takes what the framework says about itself.</summary>
    private sealed class Quiet : Xunit.LongLivedMarshalByRefObject, IMessageSink
    {
        public bool OnMessage(IMessageSinkMessage message) => true;
    }

    /// <summary>The framework's defaults: no option is set.</summary>
    private sealed class RunOptions : ITestFrameworkDiscoveryOptions, ITestFrameworkExecutionOptions
    {
        private readonly Dictionary<string, object?> _values = [];

        public TValue GetValue<TValue>(string name) => _values.TryGetValue(name, out var value) ? (TValue)value! : default!;

        public void SetValue<TValue>(string name, TValue value) => _values[name] = value;
    }
}
