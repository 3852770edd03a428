using System.ComponentModel.DataAnnotations;
using Microsoft.Extensions.Options;

namespace LlavaCluster.Grains.Sessions;

/// <summary>Holds <see cref="SessionOptions"/> against their ranges; names every mistake at once.</summary>
internal sealed class SessionOptionsValidator : IValidateOptions<SessionOptions>
{
    /// <inheritdoc/>
    public ValidateOptionsResult Validate(string? name, SessionOptions options)
    {
        var mistakes = new List<ValidationResult>();
        return Validator.TryValidateObject(options, new ValidationContext(options), mistakes, validateAllProperties: true)
            ? ValidateOptionsResult.Success
            : ValidateOptionsResult.Fail(mistakes.Select(mistake => $"Llava:Sessions: {mistake.ErrorMessage}"));
    }
}
