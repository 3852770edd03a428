namespace LlavaCluster.Silo.Hosting;

/// <summary>Where log lines go: standard error, since standard output belongs to answers and the ready line.</summary>
internal static class NodeLogging
{
    /// <summary>Levels come from the configuration's section <c>Logging</c>.</summary>
    public static void Configure(ILoggingBuilder logging, IConfiguration configuration)
    {
        logging.AddConfiguration(configuration.GetSection("Logging"));
        logging.AddSimpleConsole(console =>
        {
            console.SingleLine = true;
            console.TimestampFormat = "HH:mm:ss ";
        });
        logging.Services.Configure<Microsoft.Extensions.Logging.Console.ConsoleLoggerOptions>(
            console => console.LogToStandardErrorThreshold = LogLevel.Trace);

        // The host writes down every failed start with its stack; the command line says the same in one sentence.
        logging.AddFilter("Microsoft.Extensions.Hosting.Internal.Host", LogLevel.None);
    }
}
