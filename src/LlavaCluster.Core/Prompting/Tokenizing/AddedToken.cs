namespace LlavaCluster.Core.Prompting.Tokenizing;

/// <summary>A token that is cut out of a text before its model sees the rest.</summary>
/// <param name="Id">Its id.</param>
/// <param name="Text">Its exact text.</param>
/// <param name="Special">Left out of text meant for people.</param>
/// <param name="Normalized">Looked for in normalised text instead of the text as it came.</param>
/// <param name="StripLeft">Takes the white space before it along.</param>
/// <param name="StripRight">Takes the white space after it along.</param>
/// <param name="SingleWord">Found only where no letter, digit or underscore touches it.</param>
internal sealed record AddedToken(
    int Id, string Text, bool Special, bool Normalized = false, bool StripLeft = false, bool StripRight = false, bool SingleWord = false);
