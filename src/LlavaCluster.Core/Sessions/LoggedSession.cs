namespace LlavaCluster.Core.Sessions;

/// <summary>A session that has a log.</summary>
/// <param name="Session">Its id.</param>
/// <param name="UsedAt">When its last entry was written.</param>
public sealed record LoggedSession(string Session, DateTimeOffset UsedAt);
