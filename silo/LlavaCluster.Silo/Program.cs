using LlavaCluster.Silo.Commands;

return await CommandLine.RunAsync(args);
