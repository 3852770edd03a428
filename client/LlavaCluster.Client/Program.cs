using LlavaCluster.Client.Commands;

return await CommandLine.RunAsync(args);
